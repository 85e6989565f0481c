/** Benchmark of unwatched cameras: the uplink they still use, and how soon a picture appears when somebody looks. */

import { setTimeout } from 'node:timers/promises';
import type { Browser } from 'playwright-core';
import { launchChromium } from '../support/browsers/chromium.ts';
import { now } from '../support/endpoint/clock.ts';
import type { Member } from '../support/endpoint/Member.ts';
import { startMeasured } from '../support/servers/measured.ts';
import { raised } from '../support/servers/settings.ts';
import { distributionOf } from '../support/statistics/distribution.ts';
import type { Benchmark, Figure } from './support/Benchmark.ts';
import { cameraLayers, layerOf, steadySimulcast } from './support/layers.ts';
import { Crowd, cameraOf } from './support/members.ts';
import { type Pair, type Ratio, ratioOf } from './support/pairs.ts';
import { Person } from './support/person.ts';

/** Rooms at the same time, with a publisher and a viewer each. */
const ROOMS = 6;
/** Rounds in each room, rounds in Chromium (one room), and uplink windows. */
const DEPTH = { full: { rounds: 5, chromium: 12, windows: 20 }, quick: { rounds: 2, chromium: 2, windows: 10 } };
/**
 * Milliseconds: longer than the server waits before it lowers a demand; longer than it keeps a paused consumer; a
 * window; the timeout of a picture; how long it is viewed.
 */
const TIMES = {
  settle: 4000,
  lowered: 12_000,
  forgotten: 12_500,
  window: 1000,
  timeout: 15_000,
  look: 3500,
  poll: 10,
};
const GOALS = { unwatched: 2, back: 2000 };
const LARGE = { width: 1280, height: 720 };
/** The size of the lowest layer. */
const THUMBNAIL = { width: 240, height: 135 };
const UNSEEN = { width: 0, height: 0 };
const TOP = 2;

/** How the picture was shown before the viewer asks for full size. */
const before = {
  nothing: { size: UNSEEN, time: TIMES.settle },
  'nothing for long': { size: UNSEEN, time: TIMES.forgotten },
  'a thumbnail': { size: THUMBNAIL, time: TIMES.lowered },
} as const;
type Before = keyof typeof before;
const befores = ['nothing', 'nothing for long', 'a thumbnail'] as const satisfies readonly Before[];

/** Milliseconds from the changed track settings to the first whole frame of any layer, and of the highest one. */
interface Return {
  readonly any: number;
  readonly top: number;
}

/** A publisher, and a viewer with changing track settings. */
interface Couple {
  look(size: { readonly width: number; readonly height: number }): Promise<number>;
  /** Bytes of video sent so far. */
  sent(): Promise<number>;
  /**
   * When the first frame of any layer, and of the highest layer, arrived after that moment; undefined while none has.
   */
  seen(since: number): Promise<{ any: number | undefined; top: number | undefined }>;
}

export const unwatched: Benchmark = {
  name: 'unwatched',
  title: 'Layers that nobody watches',
  about:
    'A publisher of simulcast (60, 150 and 400 kbit/s; Chromium: 150, 500 and 1500) and one viewer, who shows it in full size, as a thumbnail, or not at all. Measured: the bitrate that is published once it is stable, and the time from the viewer showing it in full size (`updateTrackSettings`) to the first whole frame of the highest layer. First without a browser at either end, then with Chromium and a fake camera at both.',
  a: 'seen as a thumbnail',
  b: 'seen in full',
  limits: raised,
  slow: true,
  async run({ quick, report }) {
    const depth = DEPTH[quick ? 'quick' : 'full'];
    await using server = await startMeasured();
    using crowd = new Crowd();
    const couples = await Promise.all(Array.from({ length: ROOMS }, (_, index) => meet(crowd, server.url, index)));
    const ratios: Ratio[] = [];
    const figures: Figure[] = [];
    ratios.push(await thumbnails(couples, depth.windows, report));
    figures.push(await unseen(couples, 'headless', report));
    for (const how of befores) {
      report(`headless, from ${how}`);
      const returns = await Promise.all(couples.map((couple) => comeBack(couple, how, depth.rounds)));
      figures.push(...figuresOf(returns.flat(), how, 'headless', report));
    }
    crowd.leave();
    await using chromium = await launchChromium({ secure: server.url });
    report('Chromium');
    const couple = await meetInChromium(chromium, server.url);
    figures.push(await unseen([couple], 'Chromium', report));
    for (const how of befores) {
      if (how === 'nothing for long') continue;
      report(`Chromium, from ${how}`);
      figures.push(...figuresOf(await comeBack(couple, how, depth.chromium), how, 'Chromium', report));
    }
    return { srtp: crowd.srtp || 'SRTP_AEAD_AES_128_GCM', ratios, figures };
  },
};

/** Half of the rooms show thumbnails while the other half shows full size, and vice versa. */
async function thumbnails(couples: readonly Couple[], windows: number, report: (what: string) => void): Promise<Ratio> {
  const pairs: Pair<number>[] = [];
  const halves = [couples.slice(0, couples.length / 2), couples.slice(couples.length / 2)];
  for (const [turn, first] of (['a', 'b'] as const).entries()) {
    report(`thumbnails: half ${turn + 1} of 2`);
    const [small = [], large = []] = turn === 0 ? halves : halves.toReversed();
    await Promise.all([...small.map((one) => one.look(THUMBNAIL)), ...large.map((one) => one.look(LARGE))]);
    await setTimeout(TIMES.lowered);
    for (let window = 0; window < windows / 2; window += 1) {
      const sent = () => Promise.all([small, large].map(sentBy));
      const [smallBefore = 0, largeBefore = 0] = await sent();
      await setTimeout(TIMES.window);
      const [smallAfter = 0, largeAfter = 0] = await sent();
      const kilobits = (bytes: number) => (bytes * 8) / TIMES.window / small.length;
      pairs.push({ a: kilobits(smallAfter - smallBefore), b: kilobits(largeAfter - largeBefore), first });
    }
  }
  return ratioOf(pairs, {
    name: 'Video sent',
    unit: 'kbit/s',
    better: 'lower',
    goal: { ratio: 0.11, why: 'the lowest of three layers: 60 of 610 kbit/s' },
  });
}

/** Uplink of unwatched cameras relative to watched ones: means over ten seconds. */
async function unseen(couples: readonly Couple[], who: string, report: (what: string) => void): Promise<Figure> {
  const tenSeconds = async (size: typeof LARGE, settle: number) => {
    await Promise.all(couples.map((one) => one.look(size)));
    await setTimeout(settle);
    const since = await sentBy(couples);
    await setTimeout(10 * TIMES.window);
    return (await sentBy(couples)) - since;
  };
  report(`${who}: seen in full`);
  const full = await tenSeconds(LARGE, 2 * TIMES.settle);
  report(`${who}: not seen`);
  const none = await tenSeconds(UNSEEN, TIMES.settle);
  return {
    name: `Share of video sent that nobody watches, ${who}`,
    value: (none / full) * 100,
    unit: '%',
    goal: { most: GOALS.unwatched },
  };
}

async function sentBy(couples: readonly Couple[]): Promise<number> {
  const sent = await Promise.all(couples.map((one) => one.sent()));
  return sent.reduce((sum, bytes) => sum + bytes, 0);
}

async function comeBack(couple: Couple, how: Before, rounds: number): Promise<Return[]> {
  const returns: Return[] = [];
  const { size, time } = before[how];
  for (let round = 0; round < rounds; round += 1) {
    await couple.look(size);
    // Randomise the start, so that rooms do not coincide with each other or with the one-second sender reports.
    await setTimeout(time + Math.random() * 1000);
    const began = await couple.look(LARGE);
    let seen = await couple.seen(began);
    while (seen.top === undefined && now() - began < TIMES.timeout) {
      await setTimeout(TIMES.poll);
      seen = await couple.seen(began);
    }
    const { any = Number.POSITIVE_INFINITY, top = Number.POSITIVE_INFINITY } = seen;
    returns.push({ any: any - began, top: top - began });
    await setTimeout(TIMES.look);
  }
  return returns;
}

function figuresOf(returns: readonly Return[], how: Before, who: string, report: (what: string) => void): Figure[] {
  const all = distributionOf(returns.map(({ top }) => Math.min(top, TIMES.timeout)));
  const any = distributionOf(returns.map((one) => Math.min(one.any, TIMES.timeout)));
  const from = `from ${how}, ${who}`;
  report(`${from}: the highest layer after ${Math.round(all.p50)} ms, p95 ${Math.round(all.p95)} ms`);
  return [
    // A thumbnail is a picture already: the time to any layer says nothing.
    ...(how === 'a thumbnail' ? [] : [{ name: `First frame of any layer, p95, ${from}`, value: any.p95, unit: 'ms' }]),
    { name: `Highest layer, p50, ${from}`, value: all.p50, unit: 'ms' },
    { name: `Highest layer, p95, ${from}`, value: all.p95, unit: 'ms', goal: { most: GOALS.back } },
  ];
}

/** Milliseconds since 1970; 0 for not yet. */
interface Arrivals {
  any: number;
  top: number;
  missing: number;
}

async function meet(crowd: Crowd, url: string, index: number): Promise<Couple> {
  const room = `bench-${index}`;
  /**
   * When the first packet arrived, and the last packet of the first frame of the highest layer, with the number of its
   * packets still missing.
   */
  const arrivals: Arrivals = { any: 0, top: 0, missing: 0 };
  const onPacket = (bytes: number) => {
    const at = now();
    if (arrivals.any === 0) arrivals.any = at;
    if (arrivals.missing === 0 || layerOf(bytes) !== TOP) return;
    arrivals.missing -= 1;
    if (arrivals.missing === 0) arrivals.top = at;
  };
  const name = 'publisher';
  const [publisher] = await crowd.join([{ url, room, name, tracks: { camera: steadySimulcast() }, receives: false }]);
  const [viewer] = await crowd.join([{ url, room, name: 'viewer', initialVideoLimit: 0, onPacket }]);
  if (!publisher || !viewer) throw new Error('nobody came');
  const tracks = cameraOf(publisher);
  return {
    look: (size) => look(viewer, publisher.peerId, size, arrivals),
    sent: async () => tracks.reduce((sum, { bytes }) => sum + bytes, 0),
    seen: async () => ({ any: arrivals.any || undefined, top: arrivals.top || undefined }),
  };
}

async function look(
  viewer: Member,
  peerId: string,
  size: { readonly width: number; readonly height: number },
  arrivals: Arrivals,
): Promise<number> {
  Object.assign(arrivals, { any: 0, top: 0, missing: cameraLayers[TOP]?.packetsPerFrame });
  const at = now();
  await viewer.updateTrackSettings([{ peerId, source: 'camera', ...size }]);
  return at;
}

async function meetInChromium(browser: Browser, url: string): Promise<Couple> {
  const room = 'chromium';
  const publisher = await Person.enter(browser, { url, room, name: 'publisher', initialVideoLimit: 0 });
  const viewer = await Person.enter(browser, { url, room, name: 'viewer', initialVideoLimit: 0 });
  await publisher.publish();
  const frames: { at: number; width: number }[] = [];
  return {
    async look(size) {
      frames.length = 0;
      await viewer.frames();
      return viewer.updateTrackSettings([{ peerId: publisher.peerId, ...size }]);
    },
    async sent() {
      const { streams } = await publisher.count();
      const up = streams.filter(({ direction, kind }) => direction === 'out' && kind === 'video');
      return up.reduce((sum, { bytes }) => sum + bytes, 0);
    },
    async seen(since) {
      frames.push(...(await viewer.frames()));
      const later = frames.filter(({ at }) => at >= since);
      return { any: later[0]?.at, top: later.find(({ width }) => width === LARGE.width)?.at };
    },
  };
}
