/**
 * The benchmark command: selects and runs benchmarks, reports progress and writes records. Usage: `npm run bench --
 * --help`.
 */
import { audience } from './bench/audience.ts';
import { audioSlots } from './bench/audioSlots.ts';
import { blocked } from './bench/blocked.ts';
import { chat } from './bench/chat.ts';
import { data } from './bench/data.ts';
import { directMedia } from './bench/direct.ts';
import { files } from './bench/files.ts';
import { forward } from './bench/forward.ts';
import { glassToGlass } from './bench/glassToGlass.ts';
import { join } from './bench/join.ts';
import { joinBurst } from './bench/joinBurst.ts';
import { joinBurstBroadcast } from './bench/joinBurstBroadcast.ts';
import { joinBurstLoad } from './bench/joinBurstLoad.ts';
import { linkDrop } from './bench/linkDrop.ts';
import { lipsync } from './bench/lipsync.ts';
import { memory } from './bench/memory.ts';
import { pipes } from './bench/pipes.ts';
import { reach } from './bench/reach.ts';
import { shown } from './bench/shown.ts';
import { signalling } from './bench/signalling.ts';
import { speakers } from './bench/speakers.ts';
import type { Benchmark, Findings } from './bench/support/Benchmark.ts';
import { parseCommand, UsageError, usage } from './bench/support/command.ts';
import { compare, type Drop, failing, lineOf, TOLERANCE } from './bench/support/gate.ts';
import { writePerformancePage } from './bench/support/page.ts';
import type { Ratio } from './bench/support/pairs.ts';
import { type BenchRecord, readRecords, writeRecord } from './bench/support/record.ts';
import { reportOf } from './bench/support/report.ts';
import { whyNotHere } from './bench/support/requirements.ts';
import { unwatched } from './bench/unwatched.ts';
import { whep } from './bench/whep.ts';
import { Progress } from './setup/progress.mjs';
import { endings } from './setup/signals.mjs';
import { machineOf } from './support/machine.ts';
import { childrenOf } from './support/process/cpu.ts';

/** In the order in which they run. */
const benchmarks: readonly Benchmark[] = [
  ...[forward, pipes, join, joinBurstLoad, joinBurst, signalling, blocked, memory],
  ...[shown, unwatched, speakers, audioSlots, lipsync, linkDrop],
  ...[chat, data, audience, joinBurstBroadcast, glassToGlass, directMedia, files, reach, whep],
];
/** Total time budget of `--quick`, in seconds. */
const QUICK_SECONDS = 180;
/** How long a running benchmark may take to shut down after a signal, in milliseconds. */
const TIMEOUT = 4000;
/** Exit codes by the signal that ended the run. */
const codes = { SIGHUP: 129, SIGINT: 130, SIGTERM: 143 } as const;

const progress = new Progress();
const stopping = new AbortController();
let endedBy: (typeof endings)[number] | undefined;

/** Runs one benchmark and prints its progress. @throws what the benchmark throws; after a signal, at its next step */
async function measure(benchmark: Benchmark, title: string, quick: boolean): Promise<Findings> {
  progress.begin(title, benchmark.title);
  try {
    const findings = await benchmark.run({
      quick,
      report(what) {
        stopping.signal.throwIfAborted();
        progress.report(what);
      },
    });
    stopping.signal.throwIfAborted();
    progress.end('done');
    return findings;
  } catch (error) {
    progress.end(stopping.signal.aborted ? 'interrupted' : 'failed');
    throw error;
  }
}

/** Replaces the benchmark's committed record. */
function keep({ name, title, about, a, b, limits }: Benchmark, { srtp, ratios, figures = [] }: Findings): void {
  const command = `npm run bench -- ${name}`;
  writeRecord({
    name,
    title,
    about,
    a,
    b,
    limits,
    command,
    ratios: [...ratios],
    figures: [...figures],
    ...(srtp && { srtp }),
  });
  writePerformancePage();
  console.log(`  Written: bench/${name}.json, docs/performance.md\n`);
}

/**
 * Compares fresh ratios with the committed record. A quick run measures fewer ratios than the record holds: the missing
 * ones are listed and do not fail.
 * @param again measures everything a second time
 * @returns the ratios that regressed
 */
async function gate(
  fresh: readonly Ratio[],
  record: BenchRecord | undefined,
  again: () => Promise<Findings>,
): Promise<Drop[]> {
  if (!record) {
    console.log('  Nothing to compare with: bench/ has no record of it.\n');
    return [];
  }
  const { drops, missing } = compare(fresh, record.ratios);
  const { cpu, worker } = machineOf();
  if (cpu !== record.machine.cpu || worker !== record.machine.worker) {
    console.log(`  The record is of another machine: ${record.machine.cpu}, worker ${record.machine.worker}.`);
  }
  if (missing.length > 0) console.log(`  Not measured by --quick: ${missing.join('; ')}.`);
  for (const drop of drops) console.log(`  ${lineOf(drop)}`);
  let failed = failing(drops);
  if (drops.length > failed.length) {
    console.log('  Measuring once more what may be noise.');
    const second = compare((await again()).ratios, record.ratios).drops;
    for (const drop of second) console.log(`  Again: ${lineOf(drop)}`);
    failed = failing(drops, second);
  }
  const outcome = failed.length > 0 ? 'worse' : 'no worse';
  console.log(`  Compared with ${record.date.slice(0, 10)}: ${outcome}, with ${TOLERANCE * 100} % allowed.\n`);
  return failed;
}

/** @returns the exit code: 0, 1 where something failed, became worse, or nothing ran, 2 for a wrong command line */
async function main(args: readonly string[]): Promise<number> {
  const known = benchmarks.map(({ name }) => name);
  const command = parseCommand(args, known);
  if (!command) {
    console.log(usage(known));
    return 0;
  }
  const chosen = benchmarks.filter(
    ({ name, slow }) => command.names.includes(name) && (command.named || !(command.quick && slow)),
  );
  if (command.list) {
    for (const { name, title, about } of chosen) console.log(`${name}: ${title}\n  ${about}\n`);
    return 0;
  }
  const { quick } = command;
  // Read the records before spending minutes on measurements: a damaged record fails at once.
  const records = quick ? readRecords() : [];
  const began = performance.now();
  const ran: string[] = [];
  const failed: string[] = [];
  for (const [index, benchmark] of chosen.entries()) {
    const { name } = benchmark;
    const title = `[${index + 1}/${chosen.length}] ${name}`;
    const why = await whyNotHere(name, quick);
    if (why) {
      console.error(`${title}: skipped: ${why}`);
      continue;
    }
    const since = performance.now();
    try {
      const findings = await measure(benchmark, title, quick);
      console.log(reportOf(benchmark, findings, machineOf().worker));
      const again = () => measure(benchmark, `${title}, again`, quick);
      const record = records.find((one) => one.name === name);
      if (!quick) keep(benchmark, findings);
      else failed.push(...(await gate(findings.ratios, record, again)).map((drop) => drop.name));
      ran.push(`${name} ${secondsSince(since)} s`);
    } catch (error) {
      if (stopping.signal.aborted) throw error;
      console.error(`${title}: failed:`, error);
      failed.push(name);
    }
  }
  if (failed.length > 0) console.log(`Failed: ${failed.join('; ')}.`);
  if (ran.length === 0) {
    console.error('Nothing was measured.');
    return 1;
  }
  const total = secondsSince(began);
  console.log(`It took ${total} s: ${ran.join(', ')}.`);
  if (quick && !command.named && total > QUICK_SECONDS) console.log(`--quick is to take at most ${QUICK_SECONDS} s.`);
  return failed.length > 0 ? 1 : 0;
}

function secondsSince(moment: number): number {
  return Math.round((performance.now() - moment) / 1000);
}

/**
 * The first signal lets the running benchmark shut down in order; a second one, or a timeout, exits at once. Servers,
 * members and links then end by themselves, and the namespaces with them, because their IPC channel to this process
 * closes.
 */
function end(signal: (typeof endings)[number]): void {
  if (endedBy) leave(codes[signal]);
  endedBy = signal;
  stopping.abort(new Error(`ended by ${signal}`));
  setTimeout(() => leave(codes[signal]), TIMEOUT);
}
for (const signal of endings) process.on(signal, end);

/**
 * Do not wait for handles that a benchmark left open, and signal children that are still starting and do not watch the
 * channel yet.
 */
function leave(code: number): never {
  for (const pid of process.platform === 'linux' ? childrenOf(process.pid) : []) {
    try {
      process.kill(pid, 'SIGINT');
    } catch {
      // The process has ended meanwhile.
    }
  }
  process.exit(code);
}

let code = 1;
try {
  code = await main(process.argv.slice(2));
} catch (error) {
  if (error instanceof UsageError) {
    console.error(error.message);
    code = 2;
  } else if (!stopping.signal.aborted) console.error(error);
}
leave(endedBy ? codes[endedBy] : code);
