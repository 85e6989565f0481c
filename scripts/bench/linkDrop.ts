/**
 * Benchmark of a viewer's link that loses bandwidth: how soon less is sent, how many freezes it causes, and the
 * recovery.
 */
import { setTimeout } from 'node:timers/promises';
import { z } from 'zod';
import { launchChromium } from '../support/browsers/chromium.ts';
import { now } from '../support/endpoint/clock.ts';
import { addresses, Namespaces } from '../support/network/namespaces.ts';
import { Child } from '../support/process/Child.ts';
import { startMeasured } from '../support/servers/measured.ts';
import { raised } from '../support/servers/settings.ts';
import { distributionOf } from '../support/statistics/distribution.ts';
import type { Benchmark, Figure } from './support/Benchmark.ts';
import { type Pair, ratioOf } from './support/pairs.ts';
import { Person, type ShownFrame } from './support/person.ts';

/** kbit/s, and milliseconds one way. */
const LINK = { wide: 2500, tight: 500, delay: 20 };
/** Lifetime of the emulated link, in seconds. */
const LINK_SECONDS = 1500;
/**
 * Milliseconds: how long the highest layer is shown before the drop, the length of the drop, the timeout of the
 * recovery, the poll interval and the window.
 */
const TIMES = { wide: 12_000, tight: 15_000, timeout: 60_000, poll: 200, window: 1000 };
const DEPTH = { full: 5, quick: 2 };
/** Windows of one second at the end of each phase that are compared. */
const WINDOWS = 5;
const TOP = 1280;
/** Attempts to hold the highest layer through the first phase. */
const TRIES = 5;
/** As in production: a connection lost under congestion is resumed. */
const resumable = { WEIR_RESUME_SECONDS: '30' };
const GOALS = { down: 3000, freeze: 2000, up: 20_000 };

/** Bytes of video that have been received by one moment. */
interface Sample {
  readonly at: number;
  readonly bytes: number;
  readonly frozen: number;
}

interface Phase {
  readonly began: number;
  readonly samples: readonly Sample[];
  readonly frames: readonly ShownFrame[];
}

interface Round {
  readonly wide: Phase;
  readonly tight: Phase;
  readonly widened: Phase;
}

export const linkDrop: Benchmark = {
  name: 'link-drop',
  title: 'A link that narrows',
  about: `One publisher of simulcast (150, 500 and 1500 kbit/s VP8), and Chromium behind a link of ${LINK.wide / 1000} Mbit/s (${2 * LINK.delay} ms there and back, 200 ms of queue), which shows it in full size. The link narrows to ${LINK.tight / 1000} Mbit/s for ${TIMES.tight / 1000} s, then widens again. Layers are recognized by the size of presented frames.`,
  a: 'narrow',
  b: 'wide',
  limits: raised,
  slow: true,
  async run({ quick, report }) {
    await using namespaces = await Namespaces.create({ rate: LINK.wide, delay: LINK.delay }, LINK_SECONDS);
    const beside = { namespaces, side: 'b' } as const;
    await using server = await startMeasured(
      { WEIR_HOST: addresses.b, WEIR_RTC_HOST: addresses.b, ...resumable },
      beside,
    );
    await using publisher = Child.start(new URL('../support/endpoint/publisher.ts', import.meta.url), {
      within: beside,
    });
    const { url } = server;
    const peerId = await publisher.ask('publish', z.string(), { url, room: 'bench' });
    await using chromium = await launchChromium({ within: namespaces.names.a, secure: url });
    const viewer = await Person.enter(chromium, { url, room: 'bench', name: 'viewer' });
    await viewer.updateTrackSettings([{ peerId, width: 1280, height: 720 }]);
    const rounds: Round[] = [];
    const count = DEPTH[quick ? 'quick' : 'full'];
    for (let number = 1; number <= count; number += 1) {
      report(`round ${number} of ${count}`);
      const reached = await watch(viewer, TIMES.timeout, topIsShown);
      if (!reached.frames.some(isTop)) throw new Error(`The highest layer is not shown: ${await viewer.state()}.`);
      const wide = await steady(viewer);
      await namespaces.set({ rate: LINK.tight });
      const tight = await watch(viewer, TIMES.tight);
      await namespaces.set({ rate: LINK.wide });
      const widened = await watch(viewer, TIMES.timeout, topIsShown);
      rounds.push({ wide, tight, widened });
      const { down, up, longest } = momentsOf({ wide, tight, widened });
      report(`round ${number}: down after ${ms(down)}, longest pause ${ms(longest)}, up after ${ms(up)}`);
    }
    return {
      srtp: 'SRTP_AEAD_AES_128_GCM',
      ratios: [ratioOf(rounds.flatMap(windowsOf), { name: 'Video that arrives', unit: 'kbit/s', better: 'lower' })],
      figures: figuresOf(rounds),
    };
  },
};

const isTop = ({ width }: ShownFrame): boolean => width === TOP;
const topIsShown = (frames: readonly ShownFrame[]): boolean => frames.some(isTop);
const ms = (time: number): string => `${Math.round(time)} ms`;

/** Waits for a phase with the highest layer throughout: a drop is invisible while a lower layer is shown anyway. */
async function steady(viewer: Person): Promise<Phase> {
  for (let tries = 1; ; tries += 1) {
    const phase = await watch(viewer, TIMES.wide);
    if (phase.frames.length > 0 && phase.frames.every(isTop)) return phase;
    if (tries === TRIES)
      throw new Error('The highest layer is not shown for long: is something else using the machine?');
  }
}

/** Samples the viewer for a time, or until `isDone` holds for what is shown. */
async function watch(
  viewer: Person,
  time: number,
  isDone: (frames: readonly ShownFrame[]) => boolean = () => false,
): Promise<Phase> {
  const began = now();
  const samples: Sample[] = [];
  const frames: ShownFrame[] = [];
  while (now() - began < time && !isDone(frames)) {
    const [{ at, streams }, shown] = await Promise.all([viewer.count(), viewer.frames()]);
    const video = streams.filter(({ direction, kind, isProbe }) => direction === 'in' && kind === 'video' && !isProbe);
    samples.push({
      at,
      bytes: video.reduce((sum, { bytes, headerBytes }) => sum + bytes + headerBytes, 0),
      frozen: video.reduce((sum, { frozen }) => sum + frozen, 0),
    });
    frames.push(...shown.filter(({ at: shownAt }) => shownAt >= began));
    await setTimeout(TIMES.poll);
  }
  return { began, samples, frames };
}

/** Received rate in the last windows of both phases, pairwise: kbit/s. */
function windowsOf({ wide, tight }: Round): Pair<number>[] {
  const rates = ({ samples }: Phase) =>
    Array.from({ length: WINDOWS }, (_, index) => {
      const end = (samples.at(-1)?.at ?? 0) - index * TIMES.window;
      return rateBetween(samples, end - TIMES.window, end);
    });
  const [narrow, broad] = [rates(tight), rates(wide)];
  // Stands for zero, one bit a second: zero has no ratio.
  const least = 0.001;
  return narrow.map((a, index) => ({ a: Math.max(least, a), b: Math.max(least, broad[index] ?? 0), first: 'b' }));
}

/** kbit/s of video between two moments, to the nearest samples. */
function rateBetween(samples: readonly Sample[], from: number, to: number): number {
  const nearest = (moment: number) =>
    samples.reduce((best, one) => (Math.abs(one.at - moment) < Math.abs(best.at - moment) ? one : best));
  const [first, last] = [nearest(from), nearest(to)];
  return last.at > first.at ? ((last.bytes - first.bytes) * 8) / (last.at - first.at) : 0;
}

/** Milliseconds since the link changed; an event that did not happen counts as the length of its phase. */
function momentsOf({ tight, widened }: Round) {
  const lastTop = tight.frames.findLast(isTop)?.at ?? tight.began;
  const down = tight.frames.find(({ at }) => at > lastTop)?.at ?? tight.began + TIMES.tight;
  const fits = tight.samples.find(
    ({ at }) => at - tight.began > TIMES.window && rateBetween(tight.samples, at - TIMES.window, at) < LINK.tight,
  );
  const up = widened.frames.find(isTop)?.at ?? widened.began + TIMES.timeout;
  return {
    /** Only lower layers are shown, and the received rate fits the link. */
    down: down - tight.began,
    fits: (fits?.at ?? tight.began + TIMES.tight) - tight.began,
    up: up - widened.began,
    longest: longestPause(tight),
    longestUp: longestPause(widened),
    frozen: (tight.samples.at(-1)?.frozen ?? 0) - (tight.samples[0]?.frozen ?? 0),
  };
}

function longestPause({ began, frames, samples }: Phase): number {
  const moments = [began, ...frames.map(({ at }) => at), samples.at(-1)?.at ?? began];
  return Math.max(...moments.slice(1).map((at, index) => at - (moments[index] ?? at)));
}

function figuresOf(rounds: readonly Round[]): Figure[] {
  const moments = rounds.map(momentsOf);
  const all = (of: (one: (typeof moments)[number]) => number) => distributionOf(moments.map(of));
  const [down, up, fits] = [all((one) => Math.max(one.down, one.fits)), all((one) => one.up), all((one) => one.fits)];
  const tightRates = rounds.flatMap((round) => windowsOf(round).map(({ a }) => a));
  return [
    { name: 'Narrow: until no more is sent than fits, longest', value: fits.max, unit: 'ms' },
    { name: 'Narrow: until only a lower layer is shown, p50', value: down.p50, unit: 'ms' },
    {
      name: 'Narrow: until only a lower layer is shown, longest',
      value: down.max,
      unit: 'ms',
      goal: { most: GOALS.down },
    },
    { name: 'Narrow: longest pause between frames, p50', value: all((one) => one.longest).p50, unit: 'ms' },
    {
      name: 'Narrow: longest pause between frames',
      value: all((one) => one.longest).max,
      unit: 'ms',
      goal: { most: GOALS.freeze },
    },
    { name: 'Narrow: totalFreezesDuration, p50', value: all((one) => one.frozen).p50, unit: 'ms' },
    {
      name: 'Narrow: share of the link that video takes',
      value: (distributionOf(tightRates).p50 / LINK.tight) * 100,
      unit: '%',
    },
    { name: 'Wide again: until the highest layer is shown, p50', value: up.p50, unit: 'ms' },
    {
      name: 'Wide again: until the highest layer is shown, longest',
      value: up.max,
      unit: 'ms',
      goal: { most: GOALS.up },
    },
    { name: 'Wide again: longest pause between frames', value: all((one) => one.longestUp).max, unit: 'ms' },
  ];
}
