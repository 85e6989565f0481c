/** Benchmark of a flood of data by one member: what it does to the media and the data of the others. */
import { setTimeout } from 'node:timers/promises';
import { z } from 'zod';
import { now } from '../support/endpoint/clock.ts';
import { DataMember } from '../support/endpoint/DataMember.ts';
import { steadyVideo, steadyVoice } from '../support/media/steady.ts';
import { Child } from '../support/process/Child.ts';
import { startMeasured } from '../support/servers/measured.ts';
import { raised } from '../support/servers/settings.ts';
import { distributionOf } from '../support/statistics/distribution.ts';
import type { Benchmark } from './support/Benchmark.ts';
import { Crowd } from './support/members.ts';
import { figuresOf, ratioOf, runPairs } from './support/pairs.ts';

const ROOM = 'flooded';
/** Those who publish a camera and a microphone, and receive each other's. */
const CALLERS = 4;
/** Milliseconds: a window, a message of data, the end of a flood before the next window. */
const TIMES = { window: { full: 5000, quick: 1500 }, message: 20, settle: 1000 };
const GOAL = { ratio: 1.2, why: 'a flood is throttled alone' };
/** A rate that a client in JavaScript exceeds by far. */
const settings = { WEIR_FILE_BITRATE: '4000000' };
const CHANNELS = ['reliable', 'bulk'] as const;

const Nothing = z.undefined();
const Counts = z.object({ sent: z.number(), refused: z.number(), closed: z.number() });

/** Latencies in milliseconds, 95th percentiles. */
interface Window {
  readonly media: number;
  readonly data: number;
}

export const data: Benchmark = {
  name: 'data',
  title: 'A flood of data by one member',
  about: `In a call of ${CALLERS} who publish camera (400 kbit/s) and microphone, two more exchange a message of 100 bytes every ${TIMES.message} ms. One member sends messages of 200 bytes to everybody as fast as it can, up to 5000 a second, on the reliable channel or on that of files (limited to 4 Mbit/s here), and opens its channels again whenever the server has closed them. Measured: the one-way latency of all media packets and of those messages, 95th percentile of windows of ${TIMES.window.full / 1000} s with the flood and without. All run on one machine; the flooding process has the lowest priority.`,
  a: 'with the flood',
  b: 'without',
  limits: { ...raised, ...settings },
  slow: true,
  async run({ quick, report }) {
    const window = TIMES.window[quick ? 'quick' : 'full'];
    await using opening = new AsyncDisposableStack();
    const server = opening.use(await startMeasured(settings));
    const latencies = { media: [] as number[], data: [] as number[] };
    using crowd = new Crowd();
    const callers = Array.from({ length: CALLERS }, (_, index) => ({
      url: server.url,
      room: ROOM,
      name: `caller-${index}`,
      tracks: { camera: [camera()], microphone: [steadyVoice()] },
      onPacket: (_bytes: number, latency: number | undefined) => {
        if (latency !== undefined) latencies.media.push(latency);
      },
    }));
    await crowd.join(callers);
    const listener = await DataMember.join({
      url: server.url,
      room: ROOM,
      name: 'listener',
      onMessage: ({ topic, at }) => {
        if (topic !== '') latencies.data.push(at - Number(topic));
      },
    });
    opening.defer(() => listener.leave());
    const talker = await DataMember.join({ url: server.url, room: ROOM, name: 'talker' });
    opening.defer(() => talker.leave());
    const flooder = opening.use(Child.start(new URL('support/floodProcess.ts', import.meta.url)));
    await flooder.ask('enter', Nothing, { url: server.url, room: ROOM });
    const sending = setInterval(
      () => talker.send('reliable', new Uint8Array(100), { to: [listener.peerId], topic: String(now()) }),
      TIMES.message,
    );
    opening.defer(() => clearInterval(sending));
    const measure = async (): Promise<Window> => {
      latencies.media = [];
      latencies.data = [];
      await setTimeout(window);
      const taken = { ...latencies };
      if (taken.data.length < window / TIMES.message / 2) throw new Error('The messages of others do not arrive.');
      return { media: distributionOf(taken.media).p95, data: distributionOf(taken.data).p95 };
    };
    const ratios = [];
    let counts = { sent: 0, refused: 0, closed: 0 };
    for (const channel of CHANNELS) {
      const flooded = async () => {
        await flooder.ask('begin', Nothing, channel);
        const measured = await measure();
        counts = await flooder.ask('end', Counts);
        await setTimeout(TIMES.settle);
        return measured;
      };
      const pairs = await runPairs(flooded, measure, {
        warmUp: 1,
        onPair: (pair, of) => report(`${channel}: pair ${pair} of ${of}`),
      });
      for (const kind of ['media', 'data'] as const) {
        ratios.push(
          ratioOf(
            figuresOf(pairs, (measured) => measured[kind]),
            { name: `Latency of ${kind}, p95, flood on ${channel}`, unit: 'ms', better: 'lower', goal: GOAL },
          ),
        );
      }
    }
    return {
      srtp: crowd.srtp,
      ratios,
      figures: [
        { name: 'Messages that the flooder sent', value: counts.sent, unit: '' },
        { name: 'Times that its channels were closed', value: counts.closed, unit: '', goal: { least: 1 } },
      ],
    };
  },
};

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
