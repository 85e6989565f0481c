/**
 * Benchmark of a large broadcast: CPU and memory for 300 viewers on two workers, and the share of packets delivered.
 */
import { cpus } from 'node:os';
import { setTimeout } from 'node:timers/promises';
import { z } from 'zod';
import { Memory } from '../support/process/Child.ts';
import { CpuMeter, idleMilliseconds, memoryOf } from '../support/process/cpu.ts';
import { type Measured, startMeasured } from '../support/servers/measured.ts';
import { raised } from '../support/servers/settings.ts';
import { median } from '../support/statistics/median.ts';
import { Audience } from './support/Audience.ts';
import type { Benchmark, Figure } from './support/Benchmark.ts';
import { BusyMeter } from './support/BusyMeter.ts';
import { type Pair, ratioOf } from './support/pairs.ts';
import { viewersOf } from './support/settings.ts';
import { type Placements, type Reading, spreadOf, type Window, windowOf } from './support/windows.ts';

/** `WEIR_BENCH_VIEWERS` overrides it. */
const VIEWERS = 300;
/** Audience size of the memory baseline: with this many viewers every code path has run once. */
const FEW = 50;
const ROOM = 'bench';
/** Processes that the viewers are divided among. */
const VIEWER_PROCESSES = 3;
/**
 * Milliseconds: measurement window, warm-up before the first window and before memory is read, and time for packets in
 * flight to arrive.
 */
const TIMES = { window: 2000, settle: 4000, under: 400 };
const WINDOWS = { full: 20, quick: 10 };
const DELIVERED = 99.9;
const MIB = 1024 * 1024;
/** With the default (0.5) viewers go to a second worker only once the first one is half full. */
const evenly = { WEIR_WORKERS: '2', WEIR_SPILLOVER_UTILIZATION: '0' };

interface TestRoom extends AsyncDisposable {
  readonly server: Measured;
  readonly audience: Audience;
}

/** Bytes. */
interface Held {
  readonly heap: number;
  readonly rss: number;
  readonly workers: number;
}

export const audience: Benchmark = {
  name: 'audience',
  title: 'The audience of a broadcast',
  about: `One host (30 frames a second, 6 packets each: 1.58 Mbit/s) and ${VIEWERS} viewers of a live broadcast, on two workers (WEIR_SPILLOVER_UTILIZATION 0, so that they spread evenly). Windows of ${TIMES.window / 1000} s from silence to silence: the share of packets that arrived, and CPU time per packet that arrived, on both workers in the same windows. Memory per viewer is the difference between ${FEW} and ${VIEWERS} more viewers, per viewer. Viewers read headers only, in ${VIEWER_PROCESSES} processes on the same machine: where its cores are hardly idle, or one of those processes takes a whole core, missing packets say nothing about the server.`,
  a: 'the worker that gets the stream through a pipe',
  b: "the host's worker",
  limits: raised,
  slow: true,
  async run({ quick, report }) {
    const viewers = viewersOf(VIEWERS);
    const few = Math.min(FEW, Math.floor(viewers / 2));
    report(`${few} viewers`);
    await using testRoom = await open(evenly);
    const { held: before } = await watched(testRoom, few);
    report(`${viewers} viewers`);
    const { srtp, held: after } = await watched(testRoom, viewers);
    const placements = await placementsOf(testRoom);
    const tester = new BusyMeter(testRoom.audience.pids);
    const read = readerOf(testRoom, placements);
    const windows: Window[] = [];
    const shares: number[] = [];
    const idle: number[] = [];
    const count = WINDOWS[quick ? 'quick' : 'full'];
    for (let number = 1; number <= count; number += 1) {
      const first = await read();
      tester.begin();
      const began = { at: performance.now(), idle: idleMilliseconds() };
      await testRoom.audience.setFlowing(true);
      await setTimeout(TIMES.window);
      await testRoom.audience.setFlowing(false);
      shares.push(Math.max(...tester.poll()));
      idle.push((idleMilliseconds() - began.idle) / (performance.now() - began.at) / cpus().length);
      await setTimeout(TIMES.under);
      const window = windowOf(first, await read(), placements, viewers);
      windows.push(window);
      report(`window ${number} of ${count}: ${((window.received / window.due) * 100).toFixed(2)} % arrived`);
    }
    return {
      srtp,
      ratios: [ratioOf(sides(windows), { name: `Worker, ${viewers} viewers`, unit: 'µs a packet', better: 'lower' })],
      figures: [
        ...deliveryOf(windows),
        ...costOf(windows),
        ...memoryFigures(before, after, viewers - few),
        ...spreadFigures(windows, spreadOf(await testRoom.audience.received(), placements)),
        { name: "The tester's busiest process, share of a core, busiest window", value: Math.max(...shares), unit: '' },
        { name: 'Cores of this machine, idle, median', value: median(idle) * 100, unit: '%' },
        { name: 'Cores of this machine, idle, worst window', value: Math.min(...idle) * 100, unit: '%' },
      ],
    };
  },
};

/** Starts a server with a live broadcast that has no viewers yet. */
async function open(settings: Readonly<Record<string, string>>): Promise<TestRoom> {
  await using opening = new AsyncDisposableStack();
  const server = opening.use(await startMeasured(settings));
  const audience = opening.use(
    await Audience.open({ url: server.url, room: ROOM, camera: 'steady' }, VIEWER_PROCESSES),
  );
  // Media is paused while members connect: with hundreds receiving, a handshake would wait for its turn and may time
  // out.
  await audience.setFlowing(false);
  const owned = opening.move();
  return { server, audience, [Symbol.asyncDispose]: () => owned.disposeAsync() };
}

/**
 * Fills the audience up to `size` viewers and lets media flow for a while. @returns what the server holds once media is
 * paused again
 */
async function watched({ server, audience }: TestRoom, size: number): Promise<{ srtp: string; held: Held }> {
  const srtp = await audience.fill(size);
  await audience.setFlowing(true);
  await setTimeout(TIMES.settle);
  await audience.setFlowing(false);
  await setTimeout(TIMES.under);
  const { heap, rss } = await server.child.ask('memory', Memory);
  const workers = server.workers.reduce((sum, pid) => sum + memoryOf(pid).rss, 0);
  return { srtp, held: { heap, rss, workers } };
}

/** The host's worker comes first: it has been in the room for longest. */
function placementsOf({ server }: TestRoom): Promise<Placements> {
  const form = z.array(z.object({ worker: z.number(), consumerIds: z.array(z.string()) }));
  return server.child.ask('consumers', form, ROOM);
}

function readerOf({ server, audience }: TestRoom, placements: Placements): () => Promise<Reading> {
  const node = new CpuMeter(server.node);
  const workers = placements.map(({ worker }) => new CpuMeter(worker));
  return async () => {
    const [sent, received] = [await audience.sent(), await audience.received()];
    return {
      sent: sent.reduce((sum, { packets }) => sum + packets, 0),
      received,
      node: node.read(),
      workers: workers.map((meter) => meter.read()),
    };
  };
}

/** Microseconds a packet: the worker behind the pipe against the host's worker. */
function sides(windows: readonly Window[]): Pair<number>[] {
  return windows.map(({ workers: [own, other] }) => {
    if (!own || !other) throw new Error('The viewers are all on one worker.');
    return { a: other.cpu / other.received, b: own.cpu / own.received, first: 'a' };
  });
}

const total = (windows: readonly Window[], of: (window: Window) => number) =>
  windows.reduce((sum, window) => sum + of(window), 0);

function deliveryOf(windows: readonly Window[]): Figure[] {
  const share = (some: readonly Window[]) =>
    (total(some, ({ received }) => received) / total(some, ({ due }) => due)) * 100;
  return [
    { name: 'Delivered', value: share(windows), unit: '%', goal: { least: DELIVERED } },
    { name: 'Delivered, worst window', value: Math.min(...windows.map((one) => share([one]))), unit: '%' },
    {
      name: 'Packets that arrived, all viewers',
      value: (total(windows, ({ received }) => received) * 1000) / (windows.length * TIMES.window),
      unit: 'a second',
    },
  ];
}

function costOf(windows: readonly Window[]): Figure[] {
  const received = total(windows, (window) => window.received);
  const workers = total(windows, (window) => window.workers.reduce((sum, { cpu }) => sum + cpu, 0));
  const node = total(windows, (window) => window.node);
  return [
    { name: 'Both workers', value: workers / received, unit: 'µs a packet' },
    { name: 'Node', value: node / received, unit: 'µs a packet' },
  ];
}

function memoryFigures(before: Held, after: Held, viewers: number): Figure[] {
  const each = (of: keyof Held) => (after[of] - before[of]) / viewers / 1024;
  return [
    { name: 'Node.js, heap and external memory per viewer', value: each('heap'), unit: 'KiB' },
    { name: 'Node.js, resident memory per viewer', value: each('rss'), unit: 'KiB' },
    { name: 'Workers, resident memory per viewer', value: each('workers'), unit: 'KiB' },
    { name: 'Node.js, heap and external memory with all viewers', value: after.heap / MIB, unit: 'MiB' },
    { name: 'Both workers, resident memory with all viewers', value: after.workers / MIB, unit: 'MiB' },
  ];
}

function spreadFigures(windows: readonly Window[], spread: readonly number[]): Figure[] {
  const viewers = spread.reduce((sum, one) => sum + one, 0);
  const packets = spread.map((_, index) => total(windows, ({ workers }) => workers[index]?.received ?? 0));
  const all = packets.reduce((sum, one) => sum + one, 0);
  return ["the host's worker", 'the other worker'].flatMap((name, index) => [
    { name: `Viewers on ${name}, of all`, value: ((spread[index] ?? 0) / viewers) * 100, unit: '%' },
    { name: `Packets from ${name}, of all`, value: ((packets[index] ?? 0) / all) * 100, unit: '%' },
  ]);
}
