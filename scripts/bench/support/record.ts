/**
 * Owns the committed figures: `bench/<name>.json`, one file a benchmark, and their tables in `docs/performance.md`.
 *
 * By itself (`node scripts/bench/support/record.ts`) it writes the tables anew from the files.
 */
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { availableParallelism, cpus, release } from 'node:os';
import { join } from 'node:path';
import { z } from 'zod';
import { lockedVersion, place } from '../../setup/places.mjs';
import { workerBinary, workerOrigin } from '../../setup/worker.mjs';
import { type Ratio, reached } from './pairs.ts';

const RatioForm: z.ZodType<Ratio> = z.strictObject({
  name: z.string(),
  a: z.number(),
  b: z.number(),
  ratio: z.number(),
  low: z.number(),
  high: z.number(),
  pairs: z.int(),
  unit: z.string(),
  better: z.enum(['lower', 'higher']),
  goal: z.strictObject({ ratio: z.number(), why: z.string() }).optional(),
});

const Machine = z.strictObject({
  cpu: z.string(),
  /** That this process may use. */
  cores: z.int(),
  kernel: z.string(),
  node: z.string(),
  mediasoup: z.string(),
  /** Where the media worker comes from, in the words of set-up. */
  worker: z.string(),
});
export type Machine = z.infer<typeof Machine>;

const BenchRecord = z.strictObject({
  /** Of the benchmark and its file: `forward`. */
  name: z.string().regex(/^[a-z][a-z-]*$/),
  title: z.string(),
  /** What was done, in a sentence or two. */
  about: z.string(),
  /** What the two sides of each pair are. */
  a: z.string(),
  b: z.string(),
  /** The command line that does it again. */
  command: z.string(),
  /** ISO 8601. */
  date: z.iso.datetime(),
  machine: Machine,
  /** The SRTP suite that was agreed on; missing where no media flowed. */
  srtp: z.string().optional(),
  /** Limits of Weir or of the system that had to be raised, by name. */
  limits: z.record(z.string(), z.string()),
  ratios: z.array(RatioForm).min(1),
});
export type BenchRecord = z.infer<typeof BenchRecord>;

const START = '<!-- figures: generated from bench/*.json -->';
const END = '<!-- end of figures -->';

/** This machine, as a record has it. */
export function machineOf(at = place()): Machine {
  const binary = workerBinary(at);
  return {
    cpu: cpus()[0]?.model.trim() || 'unknown',
    cores: availableParallelism(),
    kernel: release(),
    node: process.version,
    mediasoup: lockedVersion(join(at.root, 'package-lock.json'), 'mediasoup'),
    worker: binary ? workerOrigin(binary) : 'none',
  };
}

/** Writes a benchmark's figures over its older ones, and the page with them. `date` and `machine` are those of now. */
export function writeRecord(
  found: Omit<BenchRecord, 'date' | 'machine'>,
  { root = place().root, machine = machineOf(), date = new Date() } = {},
): BenchRecord {
  const record = BenchRecord.parse({ ...found, machine, date: date.toISOString() });
  const directory = join(root, 'bench');
  mkdirSync(directory, { recursive: true });
  writeFileSync(join(directory, `${record.name}.json`), `${JSON.stringify(record, undefined, 2)}\n`);
  writePage(root);
  return record;
}

/** All committed figures by name; none where there is no `bench/`. @throws {Error} that names the file that is wrong */
export function readRecords(root = place().root): BenchRecord[] {
  const directory = join(root, 'bench');
  if (!existsSync(directory)) return [];
  const files = readdirSync(directory).filter((file) => file.endsWith('.json'));
  return files.sort().map((file) => {
    const record = BenchRecord.safeParse(JSON.parse(readFileSync(join(directory, file), 'utf8')));
    if (!record.success) throw new Error(`bench/${file} is no record. ${z.prettifyError(record.error)}`);
    return record.data;
  });
}

/** Path and right content of `docs/performance.md`. */
export function performancePage(root = place().root): { path: string; content: string } {
  const path = join(root, 'docs', 'performance.md');
  return { path, content: withFigures(readFileSync(path, 'utf8'), readRecords(root)) };
}

/** The page with its figures made anew. @throws {Error} when its markers are missing */
export function withFigures(page: string, records: readonly BenchRecord[]): string {
  const start = page.indexOf(START);
  const end = page.indexOf(END);
  if (start < 0 || end < start) throw new Error('docs/performance.md has lost the markers of its figures.');
  const figures = records.length > 0 ? records.map(sectionOf).join('\n') : 'No figures yet.\n';
  return `${page.slice(0, start)}${START}\n\n${figures}\n${page.slice(end)}`;
}

function sectionOf(record: BenchRecord): string {
  const { title, about, a, b, ratios, machine, srtp, limits, date, command } = record;
  const raised = Object.entries(limits).map(([name, value]) => `${name} ${value}`);
  const conditions = [
    `${machine.cpu}, ${machine.cores} cores`,
    `kernel ${machine.kernel}`,
    `Node ${machine.node.replace(/^v/, '')}`,
    `mediasoup ${machine.mediasoup} (${machine.worker})`,
    ...(srtp ? [srtp] : []),
    ...(raised.length > 0 ? [`raised: ${raised.join(', ')}`] : []),
    date.slice(0, 10),
  ];
  const head = row('', `A: ${a}`, `B: ${b}`, 'unit', 'A/B (95 %)', 'pairs', 'goal');
  const rows = ratios.map((ratio) =>
    row(
      ratio.name,
      short(ratio.a),
      short(ratio.b),
      ratio.unit,
      `**${ratio.ratio.toFixed(2)}** (${ratio.low.toFixed(2)} to ${ratio.high.toFixed(2)}), ${ratio.better} is better`,
      String(ratio.pairs),
      goalOf(ratio),
    ),
  );
  return `### ${title}\n\n${about}\n\n${head}|---|---|---|---|---|---|---|\n${rows.join('')}\n${conditions.join('; ')}. Again: \`${command}\`\n`;
}

function goalOf(ratio: Ratio): string {
  const { goal, better } = ratio;
  if (!goal) return '';
  const words = { yes: 'reached', no: 'missed', unclear: 'within the interval' };
  const outcome = words[reached(ratio) ?? 'unclear'];
  return `${better === 'lower' ? 'at most' : 'at least'} ${goal.ratio.toFixed(2)} (${goal.why}): ${outcome}`;
}

/** Three digits that count, or all of a whole number. */
function short(value: number): string {
  return Math.abs(value) >= 1000 ? String(Math.round(value)) : String(Number(value.toPrecision(3)));
}

function row(...cells: string[]): string {
  return `| ${cells.map((cell) => cell.replaceAll('|', '\\|').replaceAll('\n', ' ')).join(' | ')} |\n`;
}

function writePage(root: string): void {
  const { path, content } = performancePage(root);
  writeFileSync(path, content);
}

if (import.meta.main) {
  writePage(place().root);
  process.stdout.write('The figures of docs/performance.md are those of bench/*.json.\n');
}
