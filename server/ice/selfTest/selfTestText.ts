/** A self-test's report as text for people: one line when all is well, otherwise a table with what to fix. */
import {
  isFailure,
  needsAttention,
  type SelfTestReport,
  type SelfTestRow,
  type SelfTestState,
} from '../../../shared/selfTest.ts';

/** Columns after which text is wrapped. */
const WIDTH = 100;
const INDENT = '               ';

/** The word that is printed for a state, and its colour (ANSI). Colour alone says nothing. */
const states: Readonly<Record<SelfTestState, { word: string; colour: number }>> = {
  reachable: { word: 'reachable', colour: 32 },
  ok: { word: 'ok', colour: 32 },
  warning: { word: 'look', colour: 33 },
  unknown: { word: 'unknown', colour: 33 },
  unreachable: { word: 'UNREACHABLE', colour: 31 },
  failed: { word: 'FAILED', colour: 31 },
};

const names: Readonly<Record<SelfTestRow['check'], string>> = {
  media: 'media',
  address: 'address',
  stun: 'STUN',
  turn: 'TURN',
  signalling: 'signalling',
  proxy: 'proxy',
  certificate: 'certificate',
  clock: 'clock',
};

/** Rows that say the same of several ports, and of both protocols. */
interface Group {
  readonly first: SelfTestRow;
  readonly protocols: string[];
  readonly ports: number[];
  readonly roundTripTimes: number[];
}

/** @param colours whether words are coloured */
export function selfTestText(report: SelfTestReport, { colours = false } = {}): string {
  const groups = grouped(report.rows);
  if (!report.rows.some(needsAttention)) return `Self-test: all is well. ${summary(groups)}`;
  const failures = report.rows.filter(isFailure).length;
  const byUrgency = [...groups].sort((a, b) => urgency(a.first) - urgency(b.first));
  if (failures === 0) {
    // What is reachable is in the summary.
    const noted = byUrgency.filter(({ first }) => needsAttention(first));
    const heading = `Self-test: nothing failed; look at what follows. ${summary(groups)}`.trimEnd();
    return [heading, ...noted.flatMap((group) => lines(group, colours))].join('\n');
  }
  const heading = `Self-test: ${failures} of ${report.rows.length} checks failed.`;
  return [heading, ...byUrgency.flatMap((group) => lines(group, colours))].join('\n');
}

function urgency(row: SelfTestRow): number {
  if (isFailure(row)) return 0;
  return needsAttention(row) ? 1 : 2;
}

function grouped(rows: readonly SelfTestRow[]): Group[] {
  const groups = new Map<string, Group>();
  for (const row of rows) {
    const key = JSON.stringify([row.check, row.target, row.protocol, row.state, row.reason, row.message]);
    const protocols = row.protocol ? [row.protocol.toUpperCase()] : [];
    const group = groups.get(key) ?? { first: row, protocols, ports: [], roundTripTimes: [] };
    groups.set(key, group);
    if (row.port !== undefined) group.ports.push(row.port);
    if (row.roundTripTime !== undefined) group.roundTripTimes.push(row.roundTripTime);
  }
  return mergeProtocols([...groups.values()]);
}

/** Makes one of two groups that differ in the protocol only. */
function mergeProtocols(groups: readonly Group[]): Group[] {
  const merged = new Map<string, Group>();
  for (const group of groups) {
    const { check, target, state, reason, message } = group.first;
    const key = JSON.stringify([check, target, state, reason, message, [...group.ports].sort()]);
    const other = merged.get(key);
    if (!other) merged.set(key, group);
    else {
      other.protocols.push(...group.protocols);
      other.roundTripTimes.push(...group.roundTripTimes);
    }
  }
  return [...merged.values()];
}

function summary(groups: readonly Group[]): string {
  const media = groups.filter(({ first }) => first.check === 'media' && first.state === 'reachable');
  const addresses = [...new Set(media.map(({ first }) => first.target))];
  const protocols = [...new Set(media.flatMap((group) => group.protocols))];
  const ports = media[0] ? portList(media[0].ports) : '';
  const others = [...new Set(groups.map(({ first }) => names[first.check]).filter((name) => name !== names.media))];
  const sentences = [
    media.length > 0 && `Media passes at ${addresses.join(', ')}, ${ports}, ${protocols.join(' and ')}.`,
    others.length > 0 && `Also tested: ${others.join(', ')}.`,
  ];
  return sentences.filter(Boolean).join(' ');
}

function lines({ first, protocols, ports, roundTripTimes }: Group, colours: boolean): string[] {
  const { word, colour } = states[first.state];
  const padded = word.padEnd(INDENT.length - 2);
  const shown = colours ? `\u001b[${colour}m${padded}\u001b[0m` : padded;
  const where = protocols.length > 0 ? `, ${protocols.join(' and ')} ${portList(ports)}` : '';
  const time = roundTripTimes.length > 0 ? `, ${milliseconds(median(roundTripTimes))}` : '';
  const line = `  ${shown}${names[first.check]} ${first.target}${where}${time}`;
  if (!needsAttention(first)) return [line];
  const remedy = first.remedy === undefined ? [] : wrapped(`-> ${first.remedy}`);
  return [line, ...wrapped(first.message), ...remedy];
}

/** `port 44400`, `ports 44400 to 44415`, `ports 44400, 44402`. */
function portList(ports: readonly number[]): string {
  const sorted = [...new Set(ports)].sort((a, b) => a - b);
  const [first, last] = [sorted[0], sorted.at(-1)];
  if (first === undefined || last === undefined) return '';
  if (sorted.length === 1) return `port ${first}`;
  return last - first === sorted.length - 1 && sorted.length > 2
    ? `ports ${first} to ${last}`
    : `ports ${sorted.join(', ')}`;
}

function wrapped(text: string): string[] {
  const found: string[] = [];
  let line = '';
  for (const word of text.split(' ')) {
    if (line !== '' && INDENT.length + line.length + 1 + word.length > WIDTH) {
      found.push(INDENT + line);
      line = word;
    } else line = line === '' ? word : `${line} ${word}`;
  }
  return [...found, INDENT + line];
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? 0;
}

function milliseconds(time: number): string {
  return `${time < 10 ? time.toFixed(1) : Math.round(time)} ms`;
}
