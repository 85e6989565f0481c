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
import { type Pair, type Ratio, ratioOf, runPairs } from './support/pairs.ts';
import { type PictureAges, pictureAgesOf } from './support/pictureAges.ts';

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
  async run({ quick, say }) {
    const depth = quick ? 'quick' : 'full';
    const measure = async (stage: Stage, where: string, time: number): Promise<Pair<PictureAges>[]> =>
      runPairs(
        () => look(stage, 'lowLatency', time),
        () => look(stage, 'smooth', time),
        { pairs: PAIRS[depth], onPair: (pair, of) => say(`${where}: pair ${pair} of ${of}`) },
      );
    say('loopback');
    let near: Pair<PictureAges>[];
    {
      await using stage = await onLoopback();
      near = await measure(stage, 'loopback', TIMES[depth].loopback);
    }
    say('a link');
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
async function look({ url, host, viewers }: Stage, profile: BroadcastProfile, time: number): Promise<PictureAges> {
  await host.setProfile(profile);
  await using viewer = await ClockViewer.enter(viewers, { url, room: ROOM });
  await setTimeout(TIMES.settle);
  await viewer.frames();
  const before = await viewer.stats();
  await setTimeout(time);
  const [frames, after] = await Promise.all([viewer.frames(), viewer.stats()]);
  const sight = pictureAgesOf(frames, before, after);
  if (sight.ages.length === 0) throw new Error(`None of ${frames.length} frames could be read.`);
  return sight;
}

const ageOf = ({ ages }: PictureAges): number => median(ages);

function ratio(pairs: readonly Pair<PictureAges>[], name: string, of: (sight: PictureAges) => number): Ratio {
  const figures = pairs.map(({ a, b, first }) => ({ a: of(a), b: of(b), first }));
  return ratioOf(figures, { name, unit: 'ms', better: 'lower' });
}

/** @param goal for the 95th percentile, if there is one */
function figuresOf(
  pairs: readonly Pair<PictureAges>[],
  profile: BroadcastProfile,
  where: string,
  goal?: number,
): Figure[] {
  const sights = pairs.map((pair) => pair[profile === 'lowLatency' ? 'a' : 'b']);
  const ages = distributionOf(sights.flatMap((sight) => sight.ages));
  const pauses = distributionOf(sights.map(({ longest }) => longest));
  const frames = sights.reduce((sum, sight) => sum + sight.frames, 0);
  const full = sights.reduce((sum, sight) => sum + sight.full, 0);
  const own = (of: keyof PictureAges['own']) => median(sights.map((sight) => sight.own[of]));
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
    { name: name('Frames, p50'), value: median(sights.map(({ rate }) => rate)), unit: 'a second' },
    { name: name('Share of frames that could be read'), value: (ages.count / frames) * 100, unit: '%' },
    { name: name('Share of frames in full width'), value: (full / frames) * 100, unit: '%' },
  ];
}
