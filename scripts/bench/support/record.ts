/**
 * The committed records, `bench/<name>.json`, one file per benchmark, from which `docs/performance.md` is generated.
 */
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { paths } from '../../setup/paths.mjs';
import { Machine, machineOf } from '../../support/machine.ts';
import type { Figure } from './Benchmark.ts';
import type { Ratio } from './pairs.ts';

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

const FigureForm: z.ZodType<Figure> = z.strictObject({
  name: z.string(),
  value: z.number(),
  unit: z.string(),
  goal: z.strictObject({ most: z.number().optional(), least: z.number().optional() }).optional(),
});

const BenchRecord = z.strictObject({
  /** Name of the benchmark and of its file: `forward`. */
  name: z.string().regex(/^[a-z][a-z-]*$/),
  title: z.string(),
  /** The method, in a sentence or two. */
  about: z.string(),
  /** Names of the two sides of each pair. */
  a: z.string(),
  b: z.string(),
  /** The command line that repeats the measurement. */
  command: z.string(),
  /** ISO 8601. */
  date: z.iso.datetime(),
  machine: Machine,
  /** The SRTP suite that was negotiated; missing where no media flowed. */
  srtp: z.string().optional(),
  /** Limits of Weir or of the system that were raised, by name. */
  limits: z.record(z.string(), z.string()),
  ratios: z.array(RatioForm).min(1),
  /** Figures that are not ratios and depend on the machine. */
  figures: z.array(FigureForm),
});
export type BenchRecord = z.infer<typeof BenchRecord>;

/** Replaces a benchmark's record. `date` and `machine` are the current ones. */
export function writeRecord(
  found: Omit<BenchRecord, 'date' | 'machine'>,
  { root = paths().root, machine = machineOf(), date = new Date() } = {},
): BenchRecord {
  const record = BenchRecord.parse({ ...found, machine, date: date.toISOString() });
  const directory = join(root, 'bench');
  mkdirSync(directory, { recursive: true });
  writeFileSync(join(directory, `${record.name}.json`), `${JSON.stringify(record, undefined, 2)}\n`);
  return record;
}

/** All committed records by name; none without a `bench/` folder. @throws {Error} that names the invalid file */
export function readRecords(root = paths().root): BenchRecord[] {
  const directory = join(root, 'bench');
  if (!existsSync(directory)) return [];
  const files = readdirSync(directory).filter((file) => file.endsWith('.json'));
  return files.sort().map((file) => {
    const record = BenchRecord.safeParse(JSON.parse(readFileSync(join(directory, file), 'utf8')));
    if (!record.success) throw new Error(`bench/${file} is no record. ${z.prettifyError(record.error)}`);
    return record.data;
  });
}
