/**
 * Benchmark of glass-to-glass latency: the age of a broadcast's picture when a viewer sees it, in both latency
 * profiles.
 */
import { setTimeout } from 'node:timers/promises';
import type { Browser } from 'playwright-core';
import type { BroadcastProfile } from '../../shared/protocol.ts';
import { launchChromium } from '../support/browsers/chromium.ts';
import { addresses, Namespaces } from '../support/network/namespaces.ts';
import { startMeasured } from '../support/servers/measured.ts';
import { raised } from '../support/servers/settings.ts';
import { distributionOf } from '../support/statistics/distribution.ts';
import { median } from '../support/statistics/median.ts';
import type { Benchmark, Figure } from './support/Benchmark.ts';
import { ClockHost, ClockViewer } from './support/clockPages.ts';
import { type FrameAges, frameAgesOf } from './support/frameAges.ts';
import { type Pair, type Ratio, ratioOf, runPairs } from './support/pairs.ts';

const ROOM = 'bench';
/** Milliseconds of delay and percent of loss, in each direction. */
const LINK = { delay: 40, loss: 2 };
/** Lifetime of the emulated link, in seconds: it removes itself if this process dies. */
const LINK_SECONDS = 3000;
/** Milliseconds from a viewer's join until frames count, and for how long they count, by kind of transport. */
const TIMES = {
  settle: 4000,
  full: { loopback: 3000, link: 10_000 },
  quick: { loopback: 2000, link: 4000 },
} as const;
const PAIRS = { full: 12, quick: 10 };
const GOAL = 300;
/** As in production: a lost connection is resumed. */
const resumable = { WEIR_RESUME_SECONDS: '30' };
const names: Readonly<Record<BroadcastProfile, string>> = { lowLatency: 'low latency', smooth: 'smooth' };

interface Stage extends AsyncDisposable {
  readonly url: string;
  readonly host: ClockHost;
  readonly viewers: Browser;
}

export const glassToGlass: Benchmark = {
  name: 'glass-to-glass',
  title: 'Glass to glass',
  about: `Chromium publishes a canvas of 1280x720 to a live broadcast, 30 frames a second. Each frame shows the time at which it was drawn, in black and white blocks with a checksum. A muted viewer in another Chromium reads it and subtracts it from the time at which the frame is presented (expectedDisplayTime). The difference includes drawing, encoding, the server, the jitter buffer, decoding and compositing, but neither camera nor screen. Each look is by a new viewer with one of the two profiles; frames count after ${TIMES.settle / 1000} s. First on loopback, then with a link between viewer and server that delays all packets by ${LINK.delay} ms and loses ${LINK.loss} % of them in each direction.`,
  a: names.lowLatency,
  b: names.smooth,
  limits: raised,
  slow: true,
  async run({ quick, report }) {
    const depth = quick ? 'quick' : 'full';
    const measure = async (stage: Stage, where: string, time: number): Promise<Pair<FrameAges>[]> =>
      runPairs(
        () => sampleFrames(stage, 'lowLatency', time),
        () => sampleFrames(stage, 'smooth', time),
        { pairs: PAIRS[depth], onPair: (pair, of) => report(`${where}: pair ${pair} of ${of}`) },
      );
    report('loopback');
    let near: Pair<FrameAges>[];
    {
      await using stage = await onLoopback();
      near = await measure(stage, 'loopback', TIMES[depth].loopback);
    }
    report('a link');
    await using stage = await overLink();
    const far = await measure(stage, 'link', TIMES[depth].link);
    const link = `${LINK.delay} ms and ${LINK.loss} % lost`;
    return {
      srtp: 'SRTP_AEAD_AES_128_GCM',
      ratios: [
        ratio(near, 'Glass to glass, median, loopback', ageOf),
        ratio(far, `Glass to glass, median, ${link}`, ageOf),
        ratio(far, `Longest pause between frames, ${link}`, ({ longest }) => longest),
      ],
      figures: [
        ...figuresOf(near, 'lowLatency', 'loopback', GOAL),
        ...figuresOf(near, 'smooth', 'loopback'),
        ...figuresOf(far, 'lowLatency', link),
        ...figuresOf(far, 'smooth', link),
      ],
    };
  },
};

async function onLoopback(): Promise<Stage> {
  await using opening = new AsyncDisposableStack();
  const { url } = opening.use(await startMeasured(resumable));
  return await stageOf(opening, url, {});
}

/** Starts with the link between the viewer and everyone else. */
async function overLink(): Promise<Stage> {
  await using opening = new AsyncDisposableStack();
  const namespaces = opening.use(await Namespaces.create(LINK, LINK_SECONDS));
  const settings = { ...resumable, WEIR_HOST: addresses.b, WEIR_RTC_HOST: addresses.b };
  const { url } = opening.use(await startMeasured(settings, { namespaces, side: 'b' }));
  return await stageOf(opening, url, { host: namespaces.names.b, viewer: namespaces.names.a });
}

async function stageOf(
  opening: AsyncDisposableStack,
  url: string,
  within: { readonly host?: string; readonly viewer?: string },
): Promise<Stage> {
  const hosts = opening.use(await launchChromium({ secure: url, ...(within.host && { within: within.host }) }));
  const viewers = opening.use(await launchChromium({ secure: url, ...(within.viewer && { within: within.viewer }) }));
  const host = await ClockHost.enter(hosts, { url, room: ROOM });
  const owned = opening.move();
  return { url, host, viewers: viewers, [Symbol.asyncDispose]: () => owned.disposeAsync() };
}

/** Adds a viewer, and samples its frames for one window. */
async function sampleFrames(
  { url, host, viewers }: Stage,
  profile: BroadcastProfile,
  time: number,
): Promise<FrameAges> {
  await host.setProfile(profile);
  await using viewer = await ClockViewer.enter(viewers, { url, room: ROOM });
  await setTimeout(TIMES.settle);
  await viewer.frames();
  const before = await viewer.stats();
  await setTimeout(time);
  const [frames, after] = await Promise.all([viewer.frames(), viewer.stats()]);
  const ages = frameAgesOf(frames, before, after);
  if (ages.ages.length === 0) throw new Error(`None of ${frames.length} frames could be read.`);
  return ages;
}

const ageOf = ({ ages }: FrameAges): number => median(ages);

function ratio(pairs: readonly Pair<FrameAges>[], name: string, of: (ages: FrameAges) => number): Ratio {
  const figures = pairs.map(({ a, b, first }) => ({ a: of(a), b: of(b), first }));
  return ratioOf(figures, { name, unit: 'ms', better: 'lower' });
}

/** @param goal for the 95th percentile, if there is one */
function figuresOf(
  pairs: readonly Pair<FrameAges>[],
  profile: BroadcastProfile,
  where: string,
  goal?: number,
): Figure[] {
  const all = pairs.map((pair) => pair[profile === 'lowLatency' ? 'a' : 'b']);
  const ages = distributionOf(all.flatMap((ages) => ages.ages));
  const pauses = distributionOf(all.map(({ longest }) => longest));
  const frames = all.reduce((sum, ages) => sum + ages.frames, 0);
  const full = all.reduce((sum, ages) => sum + ages.full, 0);
  const own = (of: keyof FrameAges['own']) => median(all.map((ages) => ages.own[of]));
  const name = (what: string) => `${what}, ${names[profile]}, ${where}`;
  return [
    { name: name('Glass to glass, p50'), value: ages.p50, unit: 'ms' },
    {
      name: name('Glass to glass, p95'),
      value: ages.p95,
      unit: 'ms',
      ...(goal !== undefined && { goal: { most: goal } }),
    },
    {
      name: name('Of it half a round trip, jitter buffer and decoding'),
      value: own('trip') + own('buffer') + own('decoding'),
      unit: 'ms',
    },
    { name: name('Jitter buffer'), value: own('buffer'), unit: 'ms' },
    { name: name('Longest pause between frames, p50'), value: pauses.p50, unit: 'ms' },
    { name: name('Longest pause between frames'), value: pauses.max, unit: 'ms' },
    { name: name('Frames'), value: frames, unit: '' },
    { name: name('Frames, p50'), value: median(all.map(({ rate }) => rate)), unit: 'a second' },
    { name: name('Share of frames that could be read'), value: (ages.count / frames) * 100, unit: '%' },
    { name: name('Share of frames in full width'), value: (full / frames) * 100, unit: '%' },
  ];
}
