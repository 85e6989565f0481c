/** Benchmark of a burst of joins: many viewers join one simulcast publisher within a second, on one worker or two. */
import { setTimeout } from 'node:timers/promises';
import { startMeasured } from '../support/servers/measured.ts';
import { raised } from '../support/servers/settings.ts';
import { distributionOf } from '../support/statistics/distribution.ts';
import type { Benchmark, Figure } from './support/Benchmark.ts';
import { steadySimulcast } from './support/layers.ts';
import { Crowd, cameraOf } from './support/members.ts';
import { ratioOf, runPairs } from './support/pairs.ts';
import { viewersOf } from './support/settings.ts';
import { evenly, mostRequested, timeJoin } from './support/timedJoins.ts';

/** Number of viewers; `WEIR_BENCH_VIEWERS` overrides it. */
const VIEWERS = 30;
/** Milliseconds: the length of the burst, the timeout of each viewer, and the pauses between bursts. */
const TIMES = { burst: 1000, timeout: 10_000, between: 2500, unwatched: 4500 };
const DEPTH = { full: { pairs: 12, cold: 8 }, quick: { pairs: 10, cold: 2 } };
const GOALS = { keyFrames: 2, firstFrame: 1300 };

interface JoinBurst {
  /** Milliseconds from each viewer's socket to a whole frame. */
  readonly times: readonly number[];
  readonly failed: number;
  /** Of the layer that was requested most often. */
  readonly keyFrameRequests: number;
}

interface Stage extends AsyncDisposable {
  burst(): Promise<JoinBurst>;
  readonly srtp: string;
}

export const joinBurst: Benchmark = {
  name: 'join-burst',
  title: 'A burst of joins',
  about: `${VIEWERS} viewers join one simulcast publisher (60, 150 and 400 kbit/s, a key frame every 10 s or when asked for) within one second, on a server with one worker or spread over two. Times run from each viewer's socket to its first whole frame, which is a key frame. Somebody watches already, except in the third case, where the publisher sends nothing until the first viewer comes.`,
  a: 'two workers',
  b: 'one worker',
  limits: raised,
  slow: true,
  async run({ quick, report }) {
    const viewers = viewersOf(VIEWERS);
    const depth = DEPTH[quick ? 'quick' : 'full'];
    await using two = await open({ WEIR_WORKERS: '2', WEIR_SPILLOVER_UTILIZATION: '0' }, viewers, 'watched');
    await using one = await open({}, viewers, 'watched');
    await using empty = await open({}, viewers, 'unwatched');
    const pairs = await runPairs(two.burst, one.burst, {
      pairs: depth.pairs,
      warmUp: 1,
      onPair: (pair, of) => report(`pair ${pair} of ${of}`),
    });
    const cold: JoinBurst[] = [];
    for (let round = 1; round <= depth.cold; round += 1) {
      report(`nobody was there before: ${round} of ${depth.cold}`);
      cold.push(await empty.burst());
    }
    const p95 = ({ times }: JoinBurst) => distributionOf(times).p95;
    const all = { two: pairs.map(({ a }) => a), one: pairs.map(({ b }) => b), cold };
    return {
      srtp: two.srtp,
      ratios: [
        ratioOf(
          pairs.map(({ a, b, first }) => ({ a: p95(a), b: p95(b), first })),
          { name: `First frame, p95 of ${viewers}`, unit: 'ms', better: 'lower' },
        ),
      ],
      figures: [
        ...figuresOf(all.one, 'one worker'),
        ...figuresOf(all.two, 'two workers'),
        ...figuresOf(all.cold, 'one worker, nobody there before'),
        {
          name: 'Viewers that failed',
          value: Object.values(all)
            .flat()
            .reduce((sum, { failed }) => sum + failed, 0),
          unit: '',
          goal: { most: 0 },
        },
      ],
    };
  },
};

function figuresOf(pours: readonly JoinBurst[], where: string): Figure[] {
  const { p50, p95, max } = distributionOf(pours.flatMap(({ times }) => times));
  return [
    { name: `First frame, p50, ${where}`, value: p50, unit: 'ms' },
    { name: `First frame, p95, ${where}`, value: p95, unit: 'ms', goal: { most: GOALS.firstFrame } },
    { name: `First frame, last viewer, ${where}`, value: max, unit: 'ms' },
    {
      name: `Key frames requested per layer, most in a burst, ${where}`,
      value: Math.max(...pours.map(({ keyFrameRequests }) => keyFrameRequests)),
      unit: '',
      goal: { most: GOALS.keyFrames },
    },
  ];
}

/** Starts a server with a publisher, whose camera has a viewer or none. */
async function open(
  settings: Record<string, string>,
  viewers: number,
  before: 'watched' | 'unwatched',
): Promise<Stage> {
  await using opening = new AsyncDisposableStack();
  const { url } = opening.use(await startMeasured(settings));
  const crowd = opening.use(new Crowd());
  const publisher = { url, room: 'bench', name: 'publisher', tracks: { camera: steadySimulcast() }, receives: false };
  const [sender] = await crowd.join([publisher]);
  if (before === 'watched') await crowd.join([{ url, room: 'bench', name: 'watcher' }]);
  const tracks = sender ? cameraOf(sender) : [];
  const burst = async (): Promise<JoinBurst> => {
    // The key-frame requests of the last burst are over, and so is the demand of its viewers.
    await setTimeout(before === 'watched' ? TIMES.between : TIMES.unwatched);
    const asked = tracks.map(({ keyFrameRequests }) => keyFrameRequests);
    const joining = evenly(viewers, TIMES.burst).map(async (offset, index) => {
      await setTimeout(offset);
      return timeJoin({ url, room: 'bench', name: `viewer-${index}` }, TIMES);
    });
    const settled = await Promise.allSettled(joining);
    const stays = settled.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []));
    for (const { member } of stays) member.leave();
    return {
      times: stays.map(({ time }) => time),
      failed: viewers - stays.length,
      keyFrameRequests: mostRequested(tracks, asked),
    };
  };
  const srtp = crowd.srtp;
  const owned = opening.move();
  return { burst, srtp, [Symbol.asyncDispose]: () => owned.disposeAsync() };
}
