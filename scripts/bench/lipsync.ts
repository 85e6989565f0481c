/**
 * Benchmark of lip sync: the offset between sound and picture at a viewer, with a plain audio consumer and with audio
 * slots.
 */
import { setTimeout } from 'node:timers/promises';
import { launchChromium } from '../support/browsers/chromium.ts';
import { silence } from '../support/media/steady.ts';
import { startMeasured } from '../support/servers/measured.ts';
import { raised } from '../support/servers/settings.ts';
import { distributionOf } from '../support/statistics/distribution.ts';
import type { Benchmark, Figure } from './support/Benchmark.ts';
import { LipSyncPublisher, LipSyncViewer, type Moments } from './support/lipSyncPages.ts';
import { Crowd } from './support/members.ts';
import { type Pair, ratioOf } from './support/pairs.ts';

const ROOMS = { single: 'single', slots: 'slots' } as const;
/** One audible speaker, on two slots: three microphones are too many to be forwarded individually. */
const ONE_HEARD = { WEIR_MAX_AUDIBLE_SPEAKERS: '1' };
const OTHERS = 2;
const BEEPS = { full: 30, quick: 12 };
/** Milliseconds: the warm-up, one beep with its response, and the turn of the other speakers. */
const TIMES = { settle: 6000, beep: 900, others: 800, silence: 1600 };
/** The flash and the beep must arrive within this time, in milliseconds. */
const WITHIN = 800;

/** Milliseconds from the beep to its sound and its flash at the viewer. */
interface Latency {
  readonly sound: number;
  readonly flash: number;
}

export const lipsync: Benchmark = {
  name: 'lipsync',
  title: 'Audio and video together',
  about:
    'A publisher in Chromium flashes and beeps at the same time, in two rooms with the same tracks: in one its audio has a consumer of its own, in the other it arrives by audio slots. A viewer in Chromium records when it sees and hears each. First the publisher keeps its slot all the time; then others take all slots between two beeps (with silent packets that claim to be loud), so that it gets new slot each time.',
  a: 'by slots',
  b: 'own consumer',
  limits: raised,
  slow: true,
  async run({ quick, report }) {
    const count = BEEPS[quick ? 'quick' : 'full'];
    await using server = await startMeasured(ONE_HEARD);
    await using chromium = await launchChromium({ secure: server.url });
    using crowd = new Crowd();
    const { url } = server;
    const others = await crowd.join(
      Array.from({ length: OTHERS }, (_, index) => ({
        ...{ url, room: ROOMS.slots, name: `other-${index}`, receives: false },
        tracks: { microphone: [silence()] },
      })),
    );
    const speak = (speaking: boolean) => {
      for (const other of others) other.setSpeaking(speaking);
    };
    speak(false);
    const rooms = Object.values(ROOMS);
    const viewer = await LipSyncViewer.enter(chromium, { url, rooms });
    const publisher = await LipSyncPublisher.enter(chromium, { url, rooms });
    await setTimeout(TIMES.settle);
    const figures: Figure[] = [];
    const ratios = [];
    for (const [name, disturb] of [
      ['slot kept', false],
      ['new slot each time', true],
    ] as const) {
      const pairs: Pair<Latency>[] = [];
      for (let beep = 0; beep < count; beep += 1) {
        report(`${name}: ${beep + 1} of ${count}`);
        const pair = await once(publisher, viewer);
        if (pair) pairs.push(pair);
        if (disturb) {
          speak(true);
          await setTimeout(TIMES.others);
          speak(false);
        }
        await setTimeout(TIMES.silence);
      }
      ratios.push(
        ratioOf(
          pairs.map(({ a, b, first }) => ({ a: a.sound, b: b.sound, first })),
          { name: `Audio latency, ${name}`, unit: 'ms', better: 'lower' },
        ),
      );
      figures.push(...skews(pairs, name, 'a'), ...skews(pairs, name, 'b'));
    }
    return { srtp: crowd.srtp, ratios, figures };
  },
};

async function once(publisher: LipSyncPublisher, viewer: LipSyncViewer): Promise<Pair<Latency> | undefined> {
  await viewer.moments();
  const at = await publisher.beep();
  await setTimeout(TIMES.beep);
  const moments = await viewer.moments();
  const arrival = ({ flashes = [], beeps = [] }: Partial<Moments> = {}): Latency | undefined => {
    const [flash, sound] = [flashes, beeps].map((times) => times.find((time) => time >= at && time - at < WITHIN));
    return flash === undefined || sound === undefined ? undefined : { sound: sound - at, flash: flash - at };
  };
  const [a, b] = [arrival(moments[ROOMS.slots]), arrival(moments[ROOMS.single])];
  return a && b && { a, b, first: 'a' };
}

/** How much later the sound is than the picture; negative where it is earlier. */
function skews(pairs: readonly Pair<Latency>[], name: string, side: 'a' | 'b'): Figure[] {
  const skew = distributionOf(pairs.map((pair) => pair[side].sound - pair[side].flash));
  const way = side === 'a' ? 'by slots' : 'own consumer';
  return [
    { name: `Audio behind video, ${way}, ${name}, p50`, value: skew.p50, unit: 'ms' },
    { name: `Audio behind video, ${way}, ${name}, p95`, value: skew.p95, unit: 'ms' },
  ];
}
