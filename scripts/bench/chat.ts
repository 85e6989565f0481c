/** Benchmark of the chat of a large broadcast: CPU per message that is delivered, event-loop delay and latency. */
import { setTimeout } from 'node:timers/promises';
import { z } from 'zod';
import { Child } from '../support/process/Child.ts';
import { cpuMicroseconds } from '../support/process/cpu.ts';
import { startMeasured } from '../support/servers/measured.ts';
import { raised } from '../support/servers/settings.ts';
import { distributionOf } from '../support/statistics/distribution.ts';
import { median } from '../support/statistics/median.ts';
import type { Benchmark } from './support/Benchmark.ts';
import { figuresOf, ratioOf, runPairs } from './support/pairs.ts';
import { viewersOf } from './support/settings.ts';

/** `WEIR_BENCH_VIEWERS` overrides the first one. */
const VIEWERS = { large: 500, small: 50 };
const PROCESSES = 2;
/** Messages of a window, and the time between two, in milliseconds. */
const WINDOW = { count: 60, interval: 50 };
/** A batch, and its way, in milliseconds: then everything has arrived. */
const AFTER = 600;
/** Slow mode would need more writers than a window has messages. */
const settings = { WEIR_CHAT_SLOW_SECONDS: '0' };

const Nothing = z.undefined();
const Delay = z.object({ p50: z.number(), p99: z.number(), max: z.number() });

interface Window {
  /** Microseconds of CPU of the server's Node process for each delivered message. */
  readonly cpu: number;
  /** Share of a core. */
  readonly share: number;
  /** Of the server's event loop, in milliseconds. */
  readonly delay: z.infer<typeof Delay>;
  /** Milliseconds from writing to receiving. */
  readonly latencies: readonly number[];
  /** Messages that did not arrive at somebody. */
  readonly missing: number;
}

export const chat: Benchmark = {
  name: 'chat',
  title: 'The chat of a large broadcast',
  about: `Viewers of a broadcast write 20 messages of 60 characters a second, and everybody receives all of them, on one server, in a room of ${VIEWERS.large} or in one of ${VIEWERS.small}. No media flows. CPU is that of the server's Node process, per message and receiver; in large rooms several messages share a frame. Latency is from writing to receiving, of all messages and receivers; up to 250 ms of it are the wait for a batch. Members are in ${PROCESSES} processes on the same machine, and take their share of it.`,
  a: `${VIEWERS.large} viewers`,
  b: `${VIEWERS.small} viewers`,
  limits: { ...raised, ...settings },
  async run({ report }) {
    const sizes = { large: viewersOf(VIEWERS.large), small: VIEWERS.small };
    await using opening = new AsyncDisposableStack();
    const server = opening.use(await startMeasured(settings));
    const script = new URL('support/chatProcess.ts', import.meta.url);
    const processes = Array.from({ length: PROCESSES }, () => opening.use(Child.start(script)));
    for (const [room, size] of Object.entries(sizes)) {
      report(`${size} viewers`);
      await Promise.all(
        processes.map((process, index) => {
          const names = Array.from(
            { length: Math.ceil((size - index) / PROCESSES) },
            (_, number) => `viewer-${index}-${number}`,
          );
          return process.ask('fill', Nothing, { url: server.url, room, names });
        }),
      );
    }
    const [writers] = processes;
    const measure = (room: 'large' | 'small') => async (): Promise<Window> => {
      await server.child.ask('eventLoopDelay', Delay);
      const before = { cpu: cpuMicroseconds(server.node), at: performance.now() };
      await writers?.ask('write', Nothing, { room, ...WINDOW });
      await setTimeout(AFTER);
      const cpu = cpuMicroseconds(server.node) - before.cpu;
      const elapsed = performance.now() - before.at;
      const delay = await server.child.ask('eventLoopDelay', Delay);
      const received = await Promise.all(processes.map((process) => process.ask('latencies', z.array(z.number()))));
      const latencies = received.flat();
      const due = WINDOW.count * (sizes[room] - 1);
      return { cpu: cpu / due, share: cpu / 1000 / elapsed, delay, latencies, missing: due - latencies.length };
    };
    const pairs = await runPairs(measure('large'), measure('small'), {
      warmUp: 1,
      onPair: (pair, of) => report(`pair ${pair} of ${of}`),
    });
    const windows = { large: pairs.map(({ a }) => a), small: pairs.map(({ b }) => b) };
    return {
      srtp: '',
      ratios: [
        ratioOf(
          figuresOf(pairs, ({ cpu }) => cpu),
          {
            name: 'Server, CPU per message and receiver',
            unit: 'µs',
            better: 'lower',
            goal: { ratio: 1.2, why: 'the cost grows with the receivers, not with their square' },
          },
        ),
      ],
      figures: (['large', 'small'] as const).flatMap((room) => figuresFor(windows[room], `${sizes[room]} viewers`)),
    };
  },
};

function figuresFor(windows: readonly Window[], where: string) {
  const latency = distributionOf(windows.flatMap(({ latencies }) => latencies));
  const most = (pick: (window: Window) => number) => Math.max(...windows.map(pick));
  return [
    { name: `Latency, p50, ${where}`, value: latency.p50, unit: 'ms' },
    { name: `Latency, p95, ${where}`, value: latency.p95, unit: 'ms', goal: { most: 500 } },
    { name: `Latency, last, ${where}`, value: latency.max, unit: 'ms' },
    { name: `Server, share of a core, busiest window, ${where}`, value: most(({ share }) => share) * 100, unit: '%' },
    {
      name: `Server, event-loop delay, p99, median window, ${where}`,
      value: median(windows.map(({ delay }) => delay.p99)),
      unit: 'ms',
    },
    {
      name: `Missing messages, ${where}`,
      value: windows.reduce((sum, { missing }) => sum + missing, 0),
      unit: '',
      goal: { most: 0 },
    },
  ];
}
