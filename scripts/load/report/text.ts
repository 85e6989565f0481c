/**
 * Formats the results of a load test for the terminal; the figures and table columns are shared with the HTML report.
 */
import { styleText } from 'node:util';
import type { LoadResults, Packets, ProcessRow, SubscriberRow, TimelineRow, TrackRow } from '../results.ts';
import { deliveryOf, lossOf, unitOf, type Verdict } from './assertions.ts';

export interface TextOptions {
  /** Characters in a line. */
  readonly width: number;
  readonly colour: boolean;
}

/** A column of a table. Texts are aligned left, figures right; `write` formats a figure. */
export interface Column<Row> {
  readonly head: string;
  readonly of: (row: Row) => string | number | undefined;
  readonly write?: (value: number) => string;
}

/** Maximum rows of a table in the terminal. */
const ROWS = 12;
const NOTHING = '–';

const decimal = (value: number, digits: number) =>
  value.toLocaleString('en', { minimumFractionDigits: digits, maximumFractionDigits: digits });
const known = (value: number | undefined, write: (value: number) => string) =>
  value === undefined ? NOTHING : write(value);

/** Formatters of figures. `ms` takes milliseconds, `percent` a share of 1, `rate` bit/s, `memory` bytes. */
export const written = {
  count: (value: number) => decimal(value, 0),
  ms: (value: number) => {
    if (Math.abs(value) >= 9_999.5) return `${decimal(value / 1000, 1)} s`;
    return `${decimal(value, Math.abs(value) < 9.95 ? 1 : 0)} ms`;
  },
  /** Rounds neither a small share to 0 nor an almost complete one to 100. */
  percent: (value: number) => {
    if (value > 0 && value < 0.0001) return '<0.01 %';
    if (value > 0.9999 && value < 1) return '>99.99 %';
    return `${decimal(value * 100, 2)} %`;
  },
  cpu: (value: number) => `${decimal(value * 100, 0)} %`,
  rate: (value: number) =>
    value < 1_000_000 ? `${decimal(value / 1000, 0)} kbit/s` : `${decimal(value / 1_000_000, 1)} Mbit/s`,
  memory: (value: number) => `${decimal(value / 2 ** 20, 0)} MiB`,
  /** A quantile; empty where the distribution is empty. */
  quantile: (of: { readonly count: number }, value: number) => (of.count > 0 ? written.ms(value) : NOTHING),
  verdict: ({ value, text }: Verdict) => {
    if (value === undefined) return 'no data';
    const unit = unitOf(text);
    return unit === 'ms' ? written.ms(value) : unit === '%' ? written.percent(value / 100) : written.count(value);
  },
};

export function cellOf<Row>({ of, write = written.count }: Column<Row>, row: Row): string {
  const value = of(row);
  return typeof value === 'number' ? write(value) : (value ?? NOTHING);
}

/** A figure, or undefined where nothing was counted. */
const some = (of: Packets | { readonly count: number }, value: number) =>
  ('count' in of ? of.count : of.expected) > 0 ? value : undefined;
const columns = {
  delivery: { head: 'delivery', of: (row: { packets: Packets }) => deliveryOf(row.packets), write: written.percent },
  loss: { head: 'loss', of: (row: { packets: Packets }) => lossOf(row.packets), write: written.percent },
  repaired: { head: 'repaired', of: (row: { packets: Packets }) => row.packets.repaired },
};

export const trackColumns: readonly Column<TrackRow>[] = [
  { head: 'track', of: ({ room, publisher, source, codec }) => `${room} / ${publisher} / ${source}, ${codec}` },
  columns.delivery,
  columns.loss,
  { head: 'latency p50', of: ({ latency }) => some(latency, latency.p50), write: written.ms },
  { head: 'p95', of: ({ latency }) => some(latency, latency.p95), write: written.ms },
  { head: 'p99', of: ({ latency }) => some(latency, latency.p99), write: written.ms },
  { head: 'subscribers', of: ({ subscribers }) => subscribers },
  { head: 'key frames asked', of: ({ keyFrameRequests }) => keyFrameRequests },
  { head: 'sent', of: ({ sent }) => sent },
  columns.repaired,
];

export const subscriberColumns: readonly Column<SubscriberRow>[] = [
  { head: 'subscriber', of: ({ room, name }) => `${room} / ${name}` },
  columns.delivery,
  columns.loss,
  { head: 'join', of: ({ join }) => join, write: written.ms },
  { head: 'first key frame', of: ({ firstKeyFrame }) => firstKeyFrame, write: written.ms },
  { head: 'latency p95', of: ({ latency }) => some(latency, latency.p95), write: written.ms },
  { head: 'longest gap', of: ({ packets, longestGap }) => some(packets, longestGap), write: written.ms },
  { head: 'gaps', of: ({ packets, gaps }) => some(packets, gaps) },
  { head: 'jitter', of: ({ packets, jitter }) => some(packets, jitter), write: written.ms },
  { head: 'rate', of: ({ packets, bitrate }) => some(packets, bitrate), write: written.rate },
  { head: 'tracks', of: ({ tracks }) => tracks },
  columns.repaired,
];

export const processColumns: readonly Column<ProcessRow>[] = [
  { head: 'process', of: ({ role, pid }) => `${role} ${pid}` },
  { head: 'CPU mean', of: ({ cpu }) => cpu, write: written.cpu },
  { head: 'busiest second', of: ({ cpuMost }) => cpuMost, write: written.cpu },
  { head: 'memory', of: ({ rss }) => rss, write: written.memory },
];

/** Sorts failures first, then tracks without a key frame, then by delivery and latency. */
export function worstFirst<Row extends TrackRow | SubscriberRow>(rows: readonly Row[]): readonly Row[] {
  // Per mille, so that one packet of ten thousand does not outweigh a second of latency.
  const delivered = ({ packets }: Row) => Math.round((deliveryOf(packets) ?? 0) * 1000);
  const state = (row: Row) =>
    'error' in row && row.error !== undefined ? 0 : 'join' in row && !row.firstKeyFrame ? 1 : 2;
  return rows.toSorted((a, b) => state(a) - state(b) || delivered(a) - delivered(b) || b.latency.p95 - a.latency.p95);
}

/** Names and error texts come from outside: strip control characters that would affect the terminal. */
const plain = (text: string) => text.replaceAll(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, '·');
/** Characters that a terminal shows two cells wide. */
const WIDE = /[\p{sc=Han}\p{sc=Hangul}\p{sc=Hiragana}\p{sc=Katakana}\p{Emoji_Presentation}]/u;
const cellsOf = (text: string) => [...text].reduce((sum, letter) => sum + (WIDE.test(letter) ? 2 : 1), 0);

function cut(text: string, width: number): string {
  if (cellsOf(text) <= width) return text;
  let kept = '';
  for (const letter of text) {
    if (cellsOf(kept + letter) > width - 1) break;
    kept += letter;
  }
  return `${kept}…`;
}

/** Like `cut`, but keeps the end of names, which tells them apart. */
const cutName = (text: string, width: number) =>
  cellsOf(text) <= width ? text : [...cut([...text].reverse().join(''), width)].reverse().join('');

/** Shrinks the first column where the table is too wide, then omits the last columns. */
function table<Row>(
  all: readonly Column<Row>[],
  rows: readonly Row[],
  width: number,
  note?: (row: Row) => string | undefined,
): string[] {
  const shown = rows.slice(0, ROWS);
  let cells = [all.map(({ head }) => head), ...shown.map((row) => all.map((column) => plain(cellOf(column, row))))];
  const widthOf = (index: number) => Math.max(...cells.map((row) => cellsOf(row[index] ?? '')));
  const rest = () => (cells[0] ?? []).slice(1).reduce((sum, _head, index) => sum + 2 + widthOf(index + 1), 0);
  while ((cells[0]?.length ?? 0) > 2 && rest() + Math.min(24, widthOf(0)) > width)
    cells = cells.map((row) => row.slice(0, -1));
  const first = Math.max(8, Math.min(widthOf(0), width - rest()));
  const widths = (cells[0] ?? []).map((_head, index) => (index === 0 ? first : widthOf(index)));
  const lines = cells.flatMap((row, at) => {
    const line = row.map((cell, index) => {
      const text = cutName(cell, widths[index] ?? 0);
      const space = ' '.repeat(Math.max(0, (widths[index] ?? 0) - cellsOf(text)));
      return index === 0 ? text + space : space + text;
    });
    const source = shown[at - 1];
    const remark = source && note?.(source);
    return [line.join('  ').trimEnd(), ...(remark ? [cut(`  ${plain(remark)}`, width)] : [])];
  });
  if (rows.length > ROWS) lines.push(`and ${written.count(rows.length - ROWS)} more`);
  return lines;
}

/** Wraps `text` between words; lines after the first are indented. */
function wrapped(text: string, width: number, indent: string): string[] {
  const lines: string[] = [];
  for (const word of plain(text).split(' ')) {
    const line = lines.at(-1);
    if (line !== undefined && cellsOf(line) + 1 + cellsOf(word) <= width) lines[lines.length - 1] = `${line} ${word}`;
    else lines.push(line === undefined ? word : indent + word);
  }
  return lines;
}

/** The summary of `results` for a terminal; ends with a line break. */
export function summaryText(results: LoadResults, { width, colour }: TextOptions): string {
  const paint = (style: 'bold' | 'red' | 'yellow' | 'green', text: string) =>
    colour ? styleText(style, text, { validateStream: false }) : text;
  const { members, packets, join, firstKeyFrame, latency } = results;
  const section = (title: string, lines: readonly string[]) =>
    lines.length > 0 ? ['', paint('bold', title), ...lines] : [];
  const times = (label: string, of: LoadResults['latency']) =>
    `${label}p50 ${written.quantile(of, of.p50)}, p95 ${written.quantile(of, of.p95)}`;
  const failed = `${written.count(members.failed)} failed`;
  const lines = [
    `${paint('bold', `${written.count(members.joined)} of ${written.count(members.offered)} joined`)}, ${members.failed > 0 ? paint('red', failed) : failed}, in ${written.count(results.duration)} s`,
    ...Object.entries(members.failures).flatMap(([reason, often]) =>
      wrapped(`  ${written.count(often)} x ${reason}`, width, '    '),
    ),
    `delivery         ${known(deliveryOf(packets), written.percent)}`,
    `loss at first    ${known(lossOf(packets), written.percent)}`,
    times('first key frame  ', firstKeyFrame),
    times('join             ', join),
    times('latency          ', latency),
    ...section(
      'Tracks, worst first',
      results.tracks.length > 0 ? table(trackColumns, worstFirst(results.tracks), width) : [],
    ),
    ...section(
      'Subscribers, worst first',
      results.subscribers.length > 0
        ? table(subscriberColumns, worstFirst(results.subscribers), width, ({ error }) => error)
        : [],
    ),
    ...section('Processes', results.processes.length > 0 ? table(processColumns, results.processes, width) : []),
    ...section(
      'Warnings',
      results.warnings.flatMap((warning) => wrapped(`! ${warning}`, width, '  ').map((line) => paint('yellow', line))),
    ),
    ...section(
      'Assertions',
      results.assertions.map((one) => {
        const line = cut(plain(`${one.ok ? 'holds ' : 'FAILED'}  ${one.text}  (${written.verdict(one)})`), width);
        return paint(one.ok ? 'green' : 'red', line);
      }),
    ),
  ];
  return `${lines.join('\n')}\n`;
}

/** One second of a running test in one line of at most `width` characters, without a line break. */
export function progressLine(
  { second, joined, failed, packets, bytes, lost, latencyP50, latencyP95, ...cpu }: TimelineRow,
  { width, offered }: { readonly width: number; readonly offered: number },
): string {
  const processes = [cpu.testerCpu, cpu.serverCpu, cpu.workersCpu];
  const named = processes.flatMap((share, at) =>
    share === undefined ? [] : [`${['tester', 'server', 'workers'][at]} ${written.cpu(share)}`],
  );
  const bare = processes.map((share) => known(share, (value) => decimal(value * 100, 0))).join('/');
  const loss = `loss ${packets + lost > 0 ? written.percent(lost / (packets + lost)) : NOTHING}`;
  const delay = packets > 0 ? `${decimal(latencyP50, 1)}/${written.ms(latencyP95)}` : NOTHING;
  const members = `${second} s  ${joined}/${offered} in${failed > 0 ? `  ${failed} failed` : ''}`;
  const rate = written.rate(bytes * 8);
  const forms = [
    [members, rate, `${written.count(packets)} packets/s`, loss, `latency ${delay}`, `CPU: ${named.join(', ')}`],
    [members, rate, `${written.count(packets)} p/s`, loss, delay, `CPU ${bare} %`],
    [members, rate, loss, delay, `CPU ${bare} %`],
  ].map((parts) => parts.join('  '));
  return forms.find((line) => cellsOf(line) <= width) ?? cut(forms.at(-1) ?? '', width);
}
