/** Benchmark of a burst of joins to a live broadcast: 200 viewers within a second, on one worker or two. */
import { setTimeout } from 'node:timers/promises';
import { now } from '../support/endpoint/clock.ts';
import { type Measured, startMeasured } from '../support/servers/measured.ts';
import { raised } from '../support/servers/settings.ts';
import { distributionOf } from '../support/statistics/distribution.ts';
import { Audience } from './support/Audience.ts';
import type { Benchmark, Figure } from './support/Benchmark.ts';
import { BusyMeter } from './support/BusyMeter.ts';
import { type Pair, ratioOf, runPairs } from './support/pairs.ts';
import { viewersOf } from './support/settings.ts';
import { evenly, mostRequested } from './support/timedJoins.ts';

/** Number of viewers; `WEIR_BENCH_VIEWERS` overrides it. */
const VIEWERS = 200;
const ROOM = 'bench';
/** Processes that the viewers are divided among. */
const VIEWER_PROCESSES = 3;
/**
 * Milliseconds: the length of the burst, the timeout of each viewer, the warm-up of the media, and the interval of CPU
 * samples.
 */
const TIMES = { burst: 1000, timeout: 30_000, settle: 2500, poll: 500 };
const PAIRS = { full: 12, quick: 10 };
const GOAL = { keyFrames: 2 };
/** Production limits: the servers of tests are never too busy, so nobody queues for admission there. */
const asInProduction = {
  WEIR_ROOM_ADMISSION_LIMIT: '0.8',
  WEIR_JOIN_ADMISSION_LIMIT: '0.9',
  WEIR_RESUME_SECONDS: '30',
};
const settings = {
  one: asInProduction,
  two: { ...asInProduction, WEIR_WORKERS: '2', WEIR_SPILLOVER_UTILIZATION: '0' },
} as const;

interface BurstResult {
  /** Milliseconds from the moment at which each viewer was due to its first whole frame. */
  readonly times: readonly number[];
  readonly failures: readonly string[];
  /**
   * Key-frame requests of the layer that was requested most often: during the second of the burst, and until everybody
   * saw a frame.
   */
  readonly asked: { readonly meanwhile: number; readonly inAll: number };
  /** Shares of a core in the half second in which each process was busiest. */
  readonly busiest: { readonly tester: number; readonly node: number; readonly worker: number };
  readonly srtp: string;
}

export const joinBurstBroadcast: Benchmark = {
  name: 'join-burst-broadcast',
  title: 'A burst of joins into a live broadcast',
  about: `${VIEWERS} viewers join a live broadcast within one second (simulcast of 60, 150 and 400 kbit/s, a key frame every 10 s or when asked for), each time on a server of its own, with one worker or spread over two (WEIR_SPILLOVER_UTILIZATION 0). Times run from the moment at which each was due to its first whole frame, which is a key frame. One viewer watches before. Limits of concurrent and waiting joins are the defaults. Viewers, in ${VIEWER_PROCESSES} processes, and server share this machine; the busiest processes are among the figures.`,
  a: 'two workers',
  b: 'one worker',
  limits: raised,
  slow: true,
  async run({ quick, report }) {
    const viewers = viewersOf(VIEWERS);
    const pairs = await runPairs(
      () => arrive(viewers, settings.two, report),
      () => arrive(viewers, settings.one, report),
      {
        pairs: PAIRS[quick ? 'quick' : 'full'],
        onPair: (pair, of) => report(`pair ${pair} of ${of}`),
      },
    );
    const all = pairs.flatMap(({ a, b }) => [a, b]);
    return {
      srtp: all[0]?.srtp ?? '',
      ratios: [ratioOf(p95s(pairs), { name: `First key frame, p95 of ${viewers}`, unit: 'ms', better: 'lower' })],
      figures: [
        ...figuresOf(
          pairs.map(({ b }) => b),
          'one worker',
        ),
        ...figuresOf(
          pairs.map(({ a }) => a),
          'two workers',
        ),
        joined(all, viewers),
        {
          name: 'Viewers that failed',
          value: sum(all, ({ failures }) => failures.length),
          unit: '',
          goal: { most: 0 },
        },
        ...loadOf(all),
      ],
    };
  },
};

const p95s = (pairs: readonly Pair<BurstResult>[]): Pair<number>[] =>
  pairs.map(({ a, b, first }) => ({ a: distributionOf(a.times).p95, b: distributionOf(b.times).p95, first }));
const sum = (all: readonly BurstResult[], of: (one: BurstResult) => number) => all.reduce((so, one) => so + of(one), 0);

/** Runs the burst once, against a new server. */
async function arrive(
  viewers: number,
  environment: Readonly<Record<string, string>>,
  report: (what: string) => void,
): Promise<BurstResult> {
  await using server = await startMeasured(environment);
  await using audience = await Audience.open({ url: server.url, room: ROOM, camera: 'simulcast' }, VIEWER_PROCESSES);
  await audience.fill(1);
  await setTimeout(TIMES.settle);
  const before = (await audience.sent()).map(({ keyFrameRequests }) => keyFrameRequests);
  const { beganAt, over } = audience.joinBurst(evenly(viewers, TIMES.burst), TIMES.timeout);
  const meanwhile = setTimeout(beganAt + TIMES.burst - now()).then(() => audience.sent());
  const busiest = watch(server, audience, over);
  const { times, failures, srtp } = await over;
  const asked = {
    meanwhile: mostRequested(await meanwhile, before),
    inAll: mostRequested(await audience.sent(), before),
  };
  if (failures.length > 0) report(`${failures.length} failed: ${failures[0]}`);
  return { times, failures, asked, busiest: await busiest, srtp };
}

/** Samples the CPU use of every process until `over` resolves. */
async function watch(server: Measured, audience: Audience, over: Promise<unknown>): Promise<BurstResult['busiest']> {
  const meters = {
    tester: new BusyMeter(audience.pids),
    node: new BusyMeter([server.node]),
    worker: new BusyMeter(server.workers),
  };
  const poll = () => {
    for (const meter of Object.values(meters)) meter.poll();
  };
  const timer = setInterval(poll, TIMES.poll);
  await over.catch(() => {});
  clearInterval(timer);
  return { tester: meters.tester.most, node: meters.node.most, worker: meters.worker.most };
}

function figuresOf(arrivals: readonly BurstResult[], where: string): Figure[] {
  const { p50, p95, max } = distributionOf(arrivals.flatMap(({ times }) => times));
  const most = (of: 'meanwhile' | 'inAll') => Math.max(...arrivals.map(({ asked }) => asked[of]));
  return [
    { name: `First key frame, p50, ${where}`, value: p50, unit: 'ms' },
    { name: `First key frame, p95, ${where}`, value: p95, unit: 'ms' },
    { name: `First key frame, last viewer, ${where}`, value: max, unit: 'ms' },
    {
      name: `Key frames requested per layer, most in the second of the burst, ${where}`,
      value: most('meanwhile'),
      unit: '',
      goal: { most: GOAL.keyFrames },
    },
    { name: `Key frames requested per layer, most until all see, ${where}`, value: most('inAll'), unit: '' },
    {
      name: `Key frames requested per layer and second until all see, most, ${where}`,
      value: Math.max(...arrivals.map(({ asked, times }) => (asked.inAll * 1000) / Math.max(TIMES.burst, ...times))),
      unit: '',
    },
  ];
}

function joined(all: readonly BurstResult[], viewers: number): Figure {
  const share = sum(all, ({ times }) => times.length) / (viewers * all.length);
  return { name: 'Viewers that see something', value: share * 100, unit: '%', goal: { least: 100 } };
}

function loadOf(all: readonly BurstResult[]): Figure[] {
  const names = {
    tester: "Busiest half second of the tester's busiest process, share of a core",
    node: "Busiest half second of the server's Node, share of a core",
    worker: 'Busiest half second of the busiest worker, share of a core',
  } as const;
  return (['tester', 'node', 'worker'] as const).map((who) => ({
    name: names[who],
    value: Math.max(...all.map(({ busiest }) => busiest[who])),
    unit: '',
  }));
}
