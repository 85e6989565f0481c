/** Benchmark of a flood of data by one member: what it does to the media and the data of the others. */
import { setTimeout } from 'node:timers/promises';
import { z } from 'zod';
import { DATA_MESSAGES_PER_SECOND } from '../../server/room/data/DataRate.ts';
import { MIN_BULK_BYTES } from '../../shared/dataChannels.ts';
import { launchChromium } from '../support/browsers/chromium.ts';
import { steadyVideo, steadyVoice } from '../support/media/steady.ts';
import { Child } from '../support/process/Child.ts';
import { startMeasured } from '../support/servers/measured.ts';
import { raised } from '../support/servers/settings.ts';
import { distributionOf } from '../support/statistics/distribution.ts';
import type { Benchmark } from './support/Benchmark.ts';
import { ExchangePage } from './support/ExchangePage.ts';
import { Crowd } from './support/members.ts';
import { figuresOf, MIN_PAIRS, ratioOf, runPairs } from './support/pairs.ts';

const ROOM = 'flooded';
/** Those who publish a camera and a microphone, and receive each other's. */
const CALLERS = 4;
/** Milliseconds: a window, a message of data, the end of a flood before the next window. */
const TIMES = { window: { full: 3000, quick: 1500 }, message: 10, settle: 1000 };
/** Short windows and many pairs: a median of few has a wide interval. */
const PAIRS = { full: 12, quick: MIN_PAIRS };
const GOAL = { ratio: 1.2, why: 'a flood is throttled alone' };
/** What a flood is compared with, by channel. */
const comparisons = { nothing: 'nothing is sent', allowed: 'what is allowed is sent' } as const;
/** In bit/s: a rate that a client in JavaScript exceeds by far. */
const FILE_BITRATE = 4_000_000;
const settings = { WEIR_FILE_BITRATE: String(FILE_BITRATE) };
/** By channel, messages a second that the server forwards of one sender. */
const ALLOWED = { reliable: DATA_MESSAGES_PER_SECOND, bulk: FILE_BITRATE / 8 / MIN_BULK_BYTES };

const Nothing = z.undefined();
const Counts = z.object({ sent: z.number(), closed: z.number() });
type Counts = z.infer<typeof Counts>;

/** Latencies in milliseconds, 95th percentiles. */
interface Window {
  readonly media: number;
  readonly data: number;
}

export const data: Benchmark = {
  name: 'data',
  title: 'A flood of data by one member',
  about: `In a call of ${CALLERS} who publish camera (400 kbit/s) and microphone, two more, in Chromium, exchange a message of 100 bytes every ${TIMES.message} ms. In each window with a flood, one member sends messages of 200 bytes to everybody, on the reliable channel or on that of files (limited to 4 Mbit/s here): 5000 a second until the server closes its channels; then it opens them again, and sends a few more than the server allows, for which it is not cut off. Measured: the one-way latency of all media packets and of those messages, 95th percentile of windows of ${TIMES.window.full / 1000} s with the flood, and without it: while nothing is sent, or as much as the server allows and forwards to all. All run on one machine; the flooding process has the lowest priority.`,
  a: 'with the flood',
  b: 'without',
  limits: { ...raised, ...settings },
  slow: true,
  async run({ quick, report }) {
    const window = TIMES.window[quick ? 'quick' : 'full'];
    await using opening = new AsyncDisposableStack();
    const server = opening.use(await startMeasured(settings));
    let media: number[] = [];
    using crowd = new Crowd();
    const callers = Array.from({ length: CALLERS }, (_, index) => ({
      url: server.url,
      room: ROOM,
      name: `caller-${index}`,
      tracks: { camera: [camera()], microphone: [steadyVoice()] },
      onPacket: (_bytes: number, latency: number | undefined) => {
        if (latency !== undefined) media.push(latency);
      },
    }));
    await crowd.join(callers);
    const browser = opening.use(await launchChromium());
    const exchange = await ExchangePage.enter(browser, { url: server.url, room: ROOM, interval: TIMES.message });
    const flooder = opening.use(Child.start(new URL('support/floodProcess.ts', import.meta.url)));
    await flooder.ask('enter', Nothing, { url: server.url, room: ROOM });
    const measure = async (): Promise<Window> => {
      media = [];
      const latencies = await exchange.latencies(window);
      return { media: distributionOf(media).p95, data: distributionOf(latencies).p95 };
    };
    const ratios = [];
    const floods: Counts[] = [];
    const sending = async (channel: keyof typeof ALLOWED, obeys: boolean) => {
      await flooder.ask('begin', Nothing, { channel, allowed: ALLOWED[channel], obeys });
      const measured = await measure();
      const counts = await flooder.ask('end', Counts);
      if (!obeys) floods.push(counts);
      await setTimeout(TIMES.settle);
      return measured;
    };
    for (const channel of ['reliable', 'bulk'] as const) {
      for (const [against, what] of Object.entries(comparisons)) {
        const pairs = await runPairs(
          () => sending(channel, false),
          () => (against === 'allowed' ? sending(channel, true) : measure()),
          {
            pairs: PAIRS[quick ? 'quick' : 'full'],
            warmUp: 1,
            onPair: (pair, of) => report(`${channel}, otherwise ${what}: pair ${pair} of ${of}`),
          },
        );
        for (const kind of ['media', 'data'] as const) {
          const figures = figuresOf(pairs, (measured) => measured[kind]);
          const name = `Latency of ${kind}, p95, flood on ${channel}; otherwise ${what}`;
          ratios.push(ratioOf(figures, { name, unit: 'ms', better: 'lower', goal: GOAL }));
        }
      }
    }
    return {
      srtp: crowd.srtp,
      ratios,
      figures: [
        { name: 'Messages of the flooder, fewest in a window', value: fewest(floods, 'sent'), unit: '' },
        {
          name: 'Times that it was cut off, fewest in a window',
          value: fewest(floods, 'closed'),
          unit: '',
          goal: { least: 1 },
        },
      ],
    };
  },
};

function fewest(floods: readonly Counts[], what: keyof Counts): number {
  return Math.min(...floods.map((flood) => flood[what]));
}

function camera() {
  return steadyVideo({
    packetsPerFrame: 3,
    payloadBytes: 1100,
    framesPerSecond: 15,
    keyEvery: 60,
    width: 1280,
    height: 720,
  });
}
