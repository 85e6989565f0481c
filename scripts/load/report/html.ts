/** Owns the report of a load test as one HTML file that needs nothing else, to be kept, sent and printed. */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { LoadResults, TimelineRow } from '../results.ts';
import { deliveryOf, lossOf } from './assertions.ts';
import { type Column, cellOf, processColumns, subscriberColumns, trackColumns, worstFirst, written } from './text.ts';

/** Markup. Whatever else is put into a page is text and gets escaped. */
class Markup {
  readonly text: string;
  constructor(text: string) {
    this.text = text;
  }
}
type Content = string | number | undefined | Markup | readonly Content[];

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

function textOf(content: Content): string {
  if (content instanceof Markup) return content.text;
  if (typeof content === 'object') return content.map(textOf).join('');
  return String(content ?? '').replaceAll(/[&<>"']/g, (letter) => ENTITIES[letter] ?? '');
}

function html(parts: TemplateStringsArray, ...contents: readonly Content[]): Markup {
  return new Markup(String.raw({ raw: parts }, ...contents.map(textOf)));
}

/** Rows of a table that a page shows; a browser becomes slow with many more. */
const ROWS = 1000;
/** Points of a line, about as many as it has pixels. */
const POINTS = 720;
/** Pixels of a plot, and of what is around its lines. */
const plot = { width: 400, height: 200, left: 58, right: 14, top: 12, bottom: 28 };

interface Line {
  readonly name: string;
  readonly points: readonly (readonly [x: number, y: number])[];
  /** What is said of it beside its name. */
  readonly note: string;
}

interface Plot {
  readonly title: string;
  readonly about: string;
  readonly lines: readonly Line[];
  readonly x: (value: number) => string;
  readonly y: (value: number) => string;
  /** What the y axis reaches however low the lines are, and whether it counts what cannot be parted. */
  readonly least: number;
  readonly whole?: boolean;
}

/** 0 and up to `steps` round values after it, the last one at or above `most`; `whole` where halves make no sense. */
function ticksOf(most: number, steps: number, whole: boolean): readonly number[] {
  const rough = most / steps;
  const unit = 10 ** Math.floor(Math.log10(rough));
  const round = unit * ([1, 2, 2.5, 5, 10].find((factor) => factor * unit >= rough * 0.999) ?? 10);
  const step = whole ? Math.ceil(round) : round;
  return Array.from({ length: Math.ceil(most / step - 1e-9) + 1 }, (_none, index) => index * step);
}

/** Of every few points the highest one, so that no peak is lost. */
function thinned(points: Line['points']): Line['points'] {
  const each = Math.ceil(points.length / POINTS);
  if (each <= 1) return points;
  return points.filter((point, at) => {
    const group = points.slice(at - (at % each), at - (at % each) + each);
    return group.toSorted((a, b) => b[1] - a[1])[0] === point;
  });
}

function plotOf({ title, about, lines, x, y, least, whole = false }: Plot, id: number): Markup {
  const points = lines.flatMap((line) => line.points);
  const wide = points.reduce((last, [value]) => Math.max(last, value), 0) || 1;
  const most = points.reduce((top, [, value]) => Math.max(top, value), least);
  const up = ticksOf(most, 4, whole);
  const high = up.at(-1) ?? most;
  const across = ticksOf(wide, 6, false).filter((value) => value <= wide);
  // Ticks are round: `5.0 ms` beside `10 ms` would say less.
  const tick = (text: string) => text.replace(/\.0+(?!\d)/, '');
  const { width, height, left, right, top, bottom } = plot;
  const atX = (value: number) => (left + (value / wide) * (width - left - right)).toFixed(1);
  const atY = (value: number) => (height - bottom - (value / high) * (height - top - bottom)).toFixed(1);
  const notes = lines.map(({ name, note }) => `${name}: ${note}`).join('; ');
  return html`<figure class="plot"><figcaption><h3>${title}</h3><ul class="legend">${lines.map(
    ({ name, note }, at) =>
      html`<li><svg class="swatch" viewBox="0 0 24 8" aria-hidden="true"><path class="line line-${at}" d="M0 4H24"/></svg><b>${name}</b> ${note}</li>`,
  )}</ul></figcaption>
<svg viewBox="0 0 ${width} ${height}" role="img" aria-labelledby="plot-${id} about-${id}"><title id="plot-${id}">${title}</title><desc id="about-${id}">${about} ${notes}.</desc>
${up.map((value) => html`<path class="grid" d="M${left} ${atY(value)}H${width - right}"/><text class="up" x="${left - 8}" y="${atY(value)}" dy="4">${tick(y(value))}</text>`)}
${across.map((value) => html`<text class="across" x="${atX(value)}" y="${height - 8}">${tick(x(value))}</text>`)}
${lines.map(
  ({ points: all }, at) =>
    html`<path class="line line-${at}" d="${thinned(all)
      .map(([a, b], index) => `${index === 0 ? 'M' : 'L'}${atX(a)} ${atY(b)}`)
      .join('')}"/>`,
)}
</svg></figure>`;
}

/** A line for each of `names`; seconds without a value are left out of it, and lines without values too. */
function over<Name extends string>(
  timeline: readonly TimelineRow[],
  write: (value: number) => string,
  names: Readonly<Record<Name, (row: TimelineRow) => number | undefined>>,
): readonly Line[] {
  return Object.entries<(row: TimelineRow) => number | undefined>(names).flatMap(([name, of]) => {
    const points = timeline.flatMap((row): [number, number][] => {
      const value = of(row);
      return value === undefined ? [] : [[row.second, value]];
    });
    const most = points.reduce((top, [, value]) => Math.max(top, value), 0);
    return points.length > 0 ? [{ name, points, note: `at most ${write(most)}` }] : [];
  });
}

/** Share of all members for whom it had taken so long, or less; those for whom it never came count as well. */
function cumulated(name: string, times: readonly (number | undefined)[]): Line[] {
  const sorted = times.filter((time) => time !== undefined).sort((a, b) => a - b);
  const first = sorted[0];
  if (first === undefined) return [];
  const steps = sorted.flatMap((time, at): [number, number][] => [
    [time, at / times.length],
    [time, (at + 1) / times.length],
  ]);
  return [{ name, points: steps, note: `${written.count(sorted.length)} of ${written.count(times.length)}` }];
}

function plotsOf({ timeline, subscribers }: LoadResults): Markup {
  const seconds = (value: number) => (value < 600 ? `${value} s` : `${Math.round(value / 60)} min`);
  const short = (value: number) => `${Number((value * 100).toPrecision(3))} %`;
  const lossIn = ({ lost, packets }: TimelineRow) => (packets + lost > 0 ? lost / (packets + lost) : undefined);
  const arrived = (value: (row: TimelineRow) => number) => (row: TimelineRow) =>
    row.packets > 0 ? value(row) : undefined;
  const plots: readonly Plot[] = [
    {
      title: 'Media received, Mbit/s',
      about: 'RTP of all receivers together, over time.',
      lines: over(timeline, written.rate, { rate: ({ bytes }) => bytes * 8 }),
      x: seconds,
      y: (value) => String(Number((value / 1_000_000).toPrecision(3))),
      least: 8000,
    },
    {
      title: 'Latency',
      about: 'From publisher to receiver, over time.',
      lines: over(timeline, written.ms, {
        p50: arrived(({ latencyP50 }) => latencyP50),
        p95: arrived(({ latencyP95 }) => latencyP95),
      }),
      x: seconds,
      y: written.ms,
      least: 1,
    },
    {
      title: 'Loss',
      about: 'Share of packets that were missing at first, over time.',
      lines: over(timeline, written.percent, { 'at first': lossIn }),
      x: seconds,
      y: short,
      least: 0.001,
    },
    {
      title: 'CPU',
      about: 'Share of one core, over time.',
      lines: over(timeline, written.cpu, {
        tester: ({ testerCpu }) => testerCpu,
        server: ({ serverCpu }) => serverCpu,
        workers: ({ workersCpu }) => workersCpu,
      }),
      x: seconds,
      y: short,
      least: 1,
    },
    {
      title: 'Members',
      about: 'How many had joined or failed, over time.',
      lines: over(timeline, written.count, { joined: ({ joined }) => joined, failed: ({ failed }) => failed }),
      x: seconds,
      y: written.count,
      least: 1,
      whole: true,
    },
    {
      title: 'Time to media',
      about: 'Share of subscribers over the time that it took them.',
      lines: [
        cumulated(
          'first key frame',
          subscribers.map(({ firstKeyFrame }) => firstKeyFrame),
        ),
        cumulated(
          'join',
          subscribers.map(({ join }) => join),
        ),
      ].flat(),
      x: written.ms,
      y: short,
      least: 1,
    },
  ];
  const drawn = plots.filter(({ lines }) => lines.length > 0);
  return section('Plots', drawn.length > 0 && html`<div class="plots">${drawn.map(plotOf)}</div>`);
}

function section(title: string, content: Markup | false): Markup {
  return content ? html`<section><h2>${title}</h2>${content}</section>` : html``;
}

function table<Row>(
  title: string,
  columns: readonly Column<Row>[],
  rows: readonly Row[],
  note?: (row: Row) => string | undefined,
): Markup {
  const shown = rows.slice(0, ROWS);
  const row = (one: Row) => {
    const remark = note?.(one);
    return columns.map((column, at) => {
      const value = column.of(one);
      if (at === 0)
        return html`<th scope="row" data-value="${value}">${cellOf(column, one)}${remark ? html`<p class="remark">${remark}</p>` : ''}</th>`;
      return html`<td data-value="${value}">${cellOf(column, one)}</td>`;
    });
  };
  return section(
    title,
    rows.length > 0 &&
      html`<div class="scroll" tabindex="0" role="region" aria-label="${title}"><table><thead><tr>${columns.map(({ head }) => html`<th scope="col"><button type="button">${head}</button></th>`)}</tr></thead>
<tbody>${shown.map((one) => html`<tr>${row(one)}</tr>\n`)}</tbody></table></div>${rows.length > ROWS ? html`<p class="quiet">and ${written.count(rows.length - ROWS)} more</p>` : ''}`,
  );
}

function cardsOf({ members, packets, firstKeyFrame, join, latency, gaps }: LoadResults): Markup {
  const share = (value: number | undefined) => (value === undefined ? '–' : written.percent(value));
  const pair = (of: LoadResults['join']): [string, string] => [
    written.quantile(of, of.p50),
    `median; p95 ${written.quantile(of, of.p95)}`,
  ];
  const cards: readonly (readonly [title: string, figure: string, note: string])[] = [
    [
      'Members joined',
      `${written.count(members.joined)} of ${written.count(members.offered)}`,
      `${written.count(members.failed)} failed`,
    ],
    ['Delivery', share(deliveryOf(packets)), `loss at first ${share(lossOf(packets))}`],
    ['First key frame', ...pair(firstKeyFrame)],
    ['Join', ...pair(join)],
    ['Latency', ...pair(latency)],
    ['Longest gap in video', written.quantile(gaps, gaps.max), `p95 ${written.quantile(gaps, gaps.p95)}`],
  ];
  return html`<dl class="cards">${cards.map(([title, figure, note]) => html`<div class="card"><dt>${title}</dt><dd class="figure">${figure}</dd><dd class="quiet">${note}</dd></div>`)}</dl>`;
}

function distributionsOf({ join, firstPacket, firstKeyFrame, latency, jitter, gaps }: LoadResults): Markup {
  const all = { join, 'first packet': firstPacket, 'first key frame': firstKeyFrame, latency, jitter, gaps };
  const rows = Object.entries(all).filter(([, { count }]) => count > 0);
  type Row = (typeof rows)[number];
  const columns = (['min', 'mean', 'p50', 'p95', 'p99', 'max'] as const).map(
    (head): Column<Row> => ({ head, of: ([, { [head]: value }]) => value, write: written.ms }),
  );
  const name: Column<Row> = { head: 'measure', of: ([label]) => label };
  const values: Column<Row> = { head: 'values', of: ([, { count }]) => count };
  return table('Times', [name, ...columns, values], rows);
}

const SCRIPT = `for (const head of document.querySelectorAll('thead th')) head.firstChild.addEventListener('click', () => {
  const falling = head.ariaSort === 'ascending', at = head.cellIndex, body = head.closest('table').tBodies[0];
  for (const other of head.parentNode.cells) other.ariaSort = null;
  head.ariaSort = falling ? 'descending' : 'ascending';
  const collator = new Intl.Collator('en', { numeric: true });
  const sorted = [...body.rows].sort((a, b) => {
    const x = a.cells[at].dataset.value, y = b.cells[at].dataset.value;
    if (x === '' || y === '') return (x === '') - (y === '');
    return (isNaN(x) || isNaN(y) ? collator.compare(x, y) : x - y) * (falling ? -1 : 1);
  });
  body.append(...sorted);
});`;

const STYLE = `
main { display: grid; gap: 32px; max-width: 1280px; margin: auto; padding: 32px 24px 64px; grid-template-columns: minmax(0, 1fr); }
header { display: grid; gap: 4px; grid-template-columns: minmax(0, 1fr); }
h1, h2, h3 { line-height: 1.25; text-wrap: balance; }
h1 { font-size: 1.75rem; }
h2 { font-size: 1.125rem; margin-bottom: 12px; }
h3 { font-size: 1rem; }
h3, dl, dd, ul, figure, pre { margin: 0; padding: 0; }
ul { list-style: none; }
.cards { display: grid; grid-template-columns: repeat(auto-fit, minmax(184px, 1fr)); gap: var(--gap); }
.card, .plot, .notes, .scroll, pre { background: var(--raised); border: 1px solid var(--line); border-radius: var(--radius); }
.card { padding: 16px; }
.card dt { color: var(--quiet); font-size: 0.875rem; }
.figure { font-size: 1.625rem; font-weight: 600; line-height: 1.35; font-variant-numeric: tabular-nums; }
.notes { padding: 16px; display: grid; gap: 8px 16px; grid-template-columns: 16px minmax(0, max-content) auto; justify-content: start; }
.notes li { display: grid; grid-column: 1 / -1; grid-template-columns: subgrid; align-items: baseline; }
.warnings { border-color: var(--warning); grid-template-columns: 16px minmax(0, 1fr); justify-content: stretch; }
.mark { font-weight: 700; color: var(--accent); text-align: center; }
.warnings .mark { color: var(--warning); }
.failed .mark, .failed .quiet, .remark { color: var(--danger); }
.plots { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(100%, 304px), 1fr)); gap: var(--gap); }
.plot { padding: 16px 12px 8px; display: grid; gap: 8px; grid-template-columns: minmax(0, 1fr); align-content: space-between; break-inside: avoid; }
.plot figcaption { padding: 0 4px; }
.plot > svg { width: 100%; height: auto; display: block; font-size: 12px; }
.plot text { fill: var(--quiet); font-variant-numeric: tabular-nums; }
.up { text-anchor: end; }
.across { text-anchor: middle; }
.grid { stroke: var(--line); stroke-width: 1; }
.line { fill: none; stroke: var(--accent); stroke-width: 2; stroke-linejoin: round; }
.line-1 { stroke: var(--warning); stroke-dasharray: 6 3; }
.line-2 { stroke: var(--quiet); stroke-dasharray: 2 2; }
.legend { display: flex; flex-wrap: wrap; gap: 0 16px; font-size: 0.875rem; color: var(--quiet); }
.legend b { font-weight: 500; color: var(--text); }
.swatch { width: 24px; height: 8px; margin-inline-end: 6px; vertical-align: middle; }
.scroll { overflow: auto; max-height: 70vh; }
table { border-collapse: collapse; width: 100%; font-size: 0.875rem; font-variant-numeric: tabular-nums; }
th, td { padding: 8px 12px; text-align: end; white-space: nowrap; border-top: 1px solid var(--line); }
th:first-child { text-align: start; overflow-wrap: anywhere; white-space: normal; min-width: 144px; }
thead th { position: sticky; top: 0; padding: 0; background: var(--raised); border: 0; box-shadow: 0 1px var(--line); }
tbody th { font-weight: 500; }
tbody tr:first-child > * { border-top: 0; }
thead button { all: unset; box-sizing: border-box; width: 100%; padding: 10px 12px; color: var(--quiet); font-weight: 500; cursor: pointer; }
thead button:hover { color: var(--text); }
thead button:focus-visible { outline: 3px solid var(--accent); outline-offset: -3px; border-radius: var(--radius); }
[aria-sort] button { color: var(--text); }
[aria-sort=ascending] button::after { content: " \\2191"; }
[aria-sort=descending] button::after { content: " \\2193"; }
pre { padding: 16px; white-space: pre-wrap; overflow-wrap: anywhere; font: 0.875rem/1.5 ui-monospace, monospace; }
@media (max-width: 480px) { .notes { grid-template-columns: 16px minmax(0, 1fr); justify-content: stretch; } .notes li > :nth-child(3) { grid-column: 2; } main { padding: 20px 12px 40px; gap: 24px; } .cards { grid-template-columns: repeat(auto-fit, minmax(136px, 1fr)); } .card { padding: 12px; } .figure { font-size: 1.25rem; } }
@media print {
  :root { color-scheme: light; }
  body { background: none; }
  main { padding: 0; gap: 20px; }
  .plots { grid-template-columns: repeat(2, minmax(0, 1fr)); }
  .scroll { max-height: none; overflow: visible; border-radius: 0; }
  .card, tr { break-inside: avoid; }
  h2 { break-after: avoid; }
  table { font-size: 0.625rem; }
  th, td, thead button { padding: 4px; white-space: normal; }
  th:first-child { min-width: 112px; }
  thead th { position: static; }
}
`;

/** The whole file. Colours, type and focus are those of the page of Weir. */
export function reportHtml(results: LoadResults): string {
  const style = readFileSync(new URL('../../../web/style/base.css', import.meta.url), 'utf8') + STYLE;
  const allowed = (text: string) => `'sha256-${createHash('sha256').update(text).digest('base64')}'`;
  const policy = `default-src 'none'; style-src ${allowed(style)}; script-src ${allowed(SCRIPT)}; base-uri 'none'; form-action 'none'`;
  const { startedAt, duration, url, seed, srtp, command, members, warnings, assertions } = results;
  const failed = assertions.filter(({ ok }) => !ok).length;
  const title = `Load test of ${url}`;
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="dark light">
<title>${title}</title>
<style>${new Markup(style)}</style>
</head>
<body>
<main>
<header><h1>${title}</h1><p class="quiet"><time datetime="${startedAt}">${startedAt.replace('T', ' ').replace(/\.\d+/, '')}</time>, ${written.count(duration)} s, ${srtp}, seed ${seed}</p></header>
${section('Warnings', warnings.length > 0 && html`<ul class="notes warnings">${warnings.map((warning) => html`<li><span class="mark" aria-hidden="true">!</span><span>${warning}</span></li>`)}</ul>`)}
${section('Result', html`${cardsOf(results)}`)}
${section(
  failed > 0 ? `Assertions, ${written.count(failed)} failed` : 'Assertions',
  assertions.length > 0 &&
    html`<ul class="notes">${assertions.map((one) => html`<li class="${one.ok ? 'held' : 'failed'}"><span class="mark" aria-hidden="true">${one.ok ? '✓' : '✕'}</span><code>${one.text}</code><span class="quiet">${one.ok ? 'holds' : 'failed'}: ${written.verdict(one)}</span></li>`)}</ul>`,
)}
${table(
  'Failures',
  [
    { head: 'reason', of: ([reason]) => reason },
    { head: 'members', of: ([, often]) => often },
  ],
  Object.entries(members.failures),
)}
${plotsOf(results)}
${distributionsOf(results)}
${table('Tracks', trackColumns, worstFirst(results.tracks))}
${table('Subscribers', subscriberColumns, worstFirst(results.subscribers), ({ error }) => error)}
${table('Processes', processColumns, results.processes)}
${section('To do it again', command !== '' && html`<pre><code>${command}</code></pre>`)}
</main>
<script>${new Markup(SCRIPT)}</script>
</body>
</html>
`.text;
}
