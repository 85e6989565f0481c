/** Benchmark of WHEP: time to the first frame, compared with the SDK and with Janus's streaming plugin; and changes of publisher. */
import { setTimeout } from 'node:timers/promises';
import { z } from 'zod';
import { launchChromium } from '../support/browsers/chromium.ts';
import { addresses, Namespaces } from '../support/network/namespaces.ts';
import { Child } from '../support/process/Child.ts';
import { randomFrom } from '../support/random.ts';
import { startMeasured } from '../support/servers/measured.ts';
import { raised } from '../support/servers/settings.ts';
import { distributionOf } from '../support/statistics/distribution.ts';
import type { Benchmark, Figure } from './support/Benchmark.ts';
import { Janus } from './support/Janus.ts';
import { type Pair, type Ratio, ratioOf } from './support/pairs.ts';
import { longestPause } from './support/pauses.ts';
import { roundsOf } from './support/rounds.ts';
import { type FrameTimes, type Viewer, ViewerPages, type Way } from './support/ViewerPages.ts';

const ROOM = 'bench';
/** One way, in milliseconds. */
const DELAY = 25;
/** Lifetime of the emulated link, in seconds. */
const LINK_SECONDS = 1500;
/** Pause between two viewers, in milliseconds: both servers request at most one key frame a second. */
const PAUSE = 1200;
const SEED = 1;
/** Rounds of all ways, in multiples of the six orders; and changes of publisher of each kind. */
const DEPTH = { full: { rounds: 24, changes: 6 }, quick: { rounds: 12, changes: 3 } } as const;
/** Frames that a player has before its publisher changes, and that it waits for after that: a second. */
const FRAMES = 30;

const names: Readonly<Record<Way, string>> = { whep: 'WHEP', sdk: 'the SDK', janus: 'Janus' };
const ways: readonly Way[] = ['whep', 'sdk', 'janus'];

interface Round {
  readonly order: readonly Way[];
  readonly times: ReadonlyMap<Way, FrameTimes>;
}

export const whep: Benchmark = {
  name: 'whep',
  title: 'The first frame by WHEP',
  about: `One page of Chromium after another sees a publisher's camera (360p VP8) for the first time: by \`POST /whep/<room>\` with a plain RTCPeerConnection, by \`join()\` of the SDK, or from Janus 1.1 with its streaming plugin, over ${2 * DELAY} ms there and back. Each page has come from its server and has loaded everything; time runs from there to the first presented frame, and to the tenth. The three take turns in random order. One process publishes the same frames to both servers, with a key frame whenever one is requested. Janus keeps the latest key frame for new viewers (\`videobufferkf\`), requests another for each (RTCP), and is ICE-lite; its long poll is open when the offer is made. Then the publisher changes while a WHEP player watches: the next one is there already, or comes when the former has left.`,
  a: names.whep,
  b: `${names.sdk}; ${names.janus}`,
  limits: raised,
  slow: true,
  async run({ quick, report }) {
    const { rounds: count, changes } = DEPTH[quick ? 'quick' : 'full'];
    await using namespaces = await Namespaces.create({ delay: DELAY }, LINK_SECONDS);
    const beside = { namespaces, side: 'b' } as const;
    await using weir = await startMeasured({ WEIR_HOST: addresses.b, WEIR_RTC_HOST: addresses.b }, beside);
    await using janus = Janus.start(namespaces, 'b');
    await using source = Child.start(new URL('support/sourceProcess.ts', import.meta.url), { within: beside });
    const { url } = weir;
    await source.ask('publish', z.undefined(), { url, room: ROOM });
    await source.ask('feed', z.undefined(), janus.endpoint).catch((cause: unknown) => {
      throw new Error(`Janus does not run: ${janus.log}`, { cause });
    });
    const secure = [url, janus.endpoint.origin].join(',');
    await using chromium = await launchChromium({ within: namespaces.names.a, secure });
    const pages = new ViewerPages(chromium, { url, room: ROOM, janus: janus.endpoint });
    report('warm-up');
    // The first page of each kind warms the browser up.
    await timeRound(pages, ways);
    const rounds: Round[] = [];
    for (const order of roundsOf(ways, count, randomFrom(SEED))) {
      rounds.push({ order, times: await timeRound(pages, order) });
      report(`round ${rounds.length} of ${count}`);
    }
    const takeOver = async (early: boolean): Promise<number[]> => {
      const pauses: number[] = [];
      for (let change = 1; change <= changes; change += 1) {
        report(`change ${change} of ${changes}, ${early ? 'prepared' : 'unprepared'}`);
        const ask = () => source.ask('takeOver', z.undefined(), { url, room: ROOM, early });
        pauses.push(await pauseOfChange(pages, ask));
      }
      return pauses;
    };
    const [prepared, unprepared] = [await takeOver(true), await takeOver(false)];
    return {
      srtp: 'SRTP_AEAD_AES_128_GCM',
      ratios: [
        ratio(rounds, 'First frame', 'sdk', ({ first }) => first),
        ratio(rounds, 'First frame', 'janus', ({ first }) => first),
        ratio(rounds, 'Tenth frame', 'sdk', ({ tenth }) => tenth),
        ratio(rounds, 'Tenth frame', 'janus', ({ tenth }) => tenth),
      ],
      figures: [
        ...ways.flatMap((way) => [
          ...figuresOf(
            `First frame, ${names[way]}`,
            timesOf(rounds, way, ({ first }) => first),
          ),
          ...figuresOf(
            `Tenth frame, ${names[way]}`,
            timesOf(rounds, way, ({ tenth }) => tenth),
          ),
        ]),
        ...figuresOf('Without a frame when the publisher changes, the next one is there', prepared),
        ...figuresOf('Without a frame when the publisher changes, the next one comes then', unprepared),
      ],
    };
  },
};

/** A page that is ready when the pause is over. */
async function openLater(pages: ViewerPages, way: Way): Promise<Viewer> {
  const [viewer] = await Promise.all([pages.open(way), setTimeout(PAUSE)]);
  return viewer;
}

/** One viewer of each way, one after another. */
async function timeRound(pages: ViewerPages, order: readonly Way[]): Promise<Map<Way, FrameTimes>> {
  const times = new Map<Way, FrameTimes>();
  for (const way of order) {
    await using viewer = await openLater(pages, way);
    times.set(way, await viewer.watch());
  }
  return times;
}

/** How long a player is without a frame while the publisher changes, in milliseconds. */
async function pauseOfChange(pages: ViewerPages, change: () => Promise<unknown>): Promise<number> {
  await using player = await openLater(pages, 'whep');
  await player.watch();
  await player.presented(FRAMES);
  const before = (await player.frames()).length;
  await change();
  await player.presented((await player.frames()).length + FRAMES);
  return longestPause((await player.frames()).slice(before - 1));
}

function timesOf(rounds: readonly Round[], way: Way, of: (times: FrameTimes) => number): number[] {
  return rounds.flatMap(({ times }) => {
    const found = times.get(way);
    return found ? of(found) : [];
  });
}

/** WHEP compared with another way, round by round. */
function ratio(rounds: readonly Round[], what: string, way: Way, of: (times: FrameTimes) => number): Ratio {
  const [a, b] = [timesOf(rounds, 'whep', of), timesOf(rounds, way, of)];
  const pairs = rounds.map(
    ({ order }, index): Pair<number> => ({
      a: a[index] ?? 0,
      b: b[index] ?? 0,
      first: order.indexOf('whep') < order.indexOf(way) ? 'a' : 'b',
    }),
  );
  return ratioOf(pairs, { name: `${what}, to ${names[way]}`, unit: 'ms', better: 'lower' });
}

function figuresOf(name: string, times: readonly number[]): Figure[] {
  const { p50, p95 } = distributionOf(times);
  return [
    { name: `${name}, p50`, value: p50, unit: 'ms' },
    { name: `${name}, p95`, value: p95, unit: 'ms' },
  ];
}
