/**
 * Benchmark of adaptive subscription: a viewer with nine tiles in a room of 25, against one that receives everything.
 */
import { setTimeout } from 'node:timers/promises';
import { launchChromium } from '../support/browsers/chromium.ts';
import type { Member } from '../support/endpoint/Member.ts';
import type { Track } from '../support/endpoint/Track.ts';
import { prepareStreams, prepareVoice } from '../support/media/prepare.ts';
import type { Stream } from '../support/media/Stream.ts';
import { CpuMeter } from '../support/process/cpu.ts';
import { type Measured, startMeasured } from '../support/servers/measured.ts';
import { raised } from '../support/servers/settings.ts';
import type { Benchmark, Figure } from './support/Benchmark.ts';
import { Crowd, cameraOf, receivedBy } from './support/members.ts';
import { figuresOf, type Pair, ratioOf } from './support/pairs.ts';
import { type Count, Person } from './support/person.ts';

const PUBLISHERS = 25;
const ROOM = 'bench';
/** The layers of each publisher, lowest first. */
const LAYERS = [
  { width: 320, height: 180, bitrate: 60_000 },
  { width: 640, height: 360, bitrate: 150_000 },
  { width: 1280, height: 720, bitrate: 400_000 },
];
const FRAMES_PER_SECOND = 15;
/** The tiles in device pixels and the layer that suffices for each: one large, two of half its width, six small. */
const TILES = [
  { count: 1, width: 1280, height: 720, layer: 2 },
  { count: 2, width: 640, height: 360, layer: 1 },
  { count: 6, width: 320, height: 180, layer: 0 },
].flatMap(({ count, ...tile }) => Array.from({ length: count }, () => tile));
/** Number of speakers; the others are silent. */
const SPEAK = 3;
/** Milliseconds. */
const TIMES = { settle: 8000, window: 2000, chromium: 20_000, chromiumWindow: 10_000 };
const WINDOWS = { full: 20, quick: 10 };
/** A result below the required rate is a failure, too. */
const GOALS = { downlink: { least: 0.9, most: 1.1 } };

/** One window of a second. */
interface Window {
  /** Microseconds of CPU. */
  readonly node: number;
  readonly worker: number;
  /** All packets that the viewer received, and its video packets. */
  readonly packets: number;
  readonly video: number;
  /** Packets of the layers that suffice for its tiles. */
  readonly sufficient: number;
  readonly bits: number;
  readonly up: number;
}

/** The track settings that a viewer reports. */
type View = 'shown' | 'everything';

interface TestRoom extends AsyncDisposable {
  readonly url: string;
  readonly publishers: readonly Member[];
  readonly viewer: Member;
  readonly srtp: string;
  read(): Window;
}

export const shown: Benchmark = {
  name: 'shown',
  title: 'A viewer of nine tiles out of twenty-five',
  about: `${PUBLISHERS} publishers of simulcast (60, 150 and 400 kbit/s VP8, ${FRAMES_PER_SECOND} frames a second) with microphones, ${SPEAK} of which speak, and one viewer who shows nine: one at 1280x720, two at 640x360, six at 320x180. The same room on another server, whose viewer never reports sizes and is sent everything. Neither viewer sends bandwidth estimates, so nothing is held back. Both rooms are measured in the same windows of ${TIMES.window / 1000} s. Then Chromium takes the first viewer's place.`,
  a: 'nine tiles',
  b: 'everything',
  limits: raised,
  slow: true,
  async run({ quick, report }) {
    report('preparing media');
    const options = { framesPerSecond: FRAMES_PER_SECOND, report };
    const [camera, voice] = await Promise.all([prepareStreams('vp8', LAYERS, options), prepareVoice({ report })]);
    report(`${PUBLISHERS} publishers to each of two servers`);
    await using some = await open(camera, voice, 'shown');
    const pairs: Pair<Window>[] = [];
    {
      await using all = await open(camera, voice, 'everything');
      await setTimeout(TIMES.settle);
      const count = WINDOWS[quick ? 'quick' : 'full'];
      for (let window = 1; window <= count; window += 1) {
        const before = { a: some.read(), b: all.read() };
        await setTimeout(TIMES.window);
        pairs.push({ a: since(before.a, some.read()), b: since(before.b, all.read()), first: 'a' });
        report(`window ${window} of ${count}`);
      }
    }
    some.viewer.leave();
    report('Chromium');
    const ratio = (name: string, unit: string, of: (window: Window) => number) =>
      ratioOf(figuresOf(pairs, of), { name, unit, better: 'lower' as const });
    const mean = (of: (window: Window) => number) => pairs.reduce((sum, { a }) => sum + of(a), 0) / pairs.length;
    return {
      srtp: some.srtp,
      ratios: [
        ratio('Node and worker', 'µs a second', ({ node, worker }) => node + worker),
        ratio('Packets to the viewer', 'a second', ({ packets }) => packets),
        ratio('To the viewer', 'kbit/s', ({ bits }) => bits / 1000),
        ratio(`Video sent by all ${PUBLISHERS}`, 'kbit/s', ({ up }) => up / 1000),
      ],
      figures: [
        { name: 'Node, nine tiles', value: mean(({ node }) => node), unit: 'µs a second' },
        { name: 'Worker, nine tiles', value: mean(({ worker }) => worker), unit: 'µs a second' },
        {
          name: 'Headless viewer: video packets, as a share of the layers that suffice',
          value: mean(({ video, sufficient }) => video / sufficient),
          unit: '',
          goal: GOALS.downlink,
        },
        {
          name: 'Viewer that is sent everything: video packets, as a share of the highest layers',
          value: pairs.reduce((sum, { b }) => sum + b.video / b.sufficient, 0) / pairs.length,
          unit: '',
          goal: { least: 0.99 },
        },
        ...(await inChromium(some, report)),
      ],
    };
  },
};

/** Starts a server with its publishers and one viewer, which reports nine tiles or no settings. */
async function open(camera: readonly Stream[], voice: Stream, view: View): Promise<TestRoom> {
  await using opening = new AsyncDisposableStack();
  const server = opening.use(await startMeasured());
  const crowd = opening.use(new Crowd());
  const { url } = server;
  const publishers = await crowd.join(
    Array.from({ length: PUBLISHERS }, (_, index) => ({
      ...{ url, room: ROOM, name: `publisher-${index}`, receives: false },
      tracks: { camera, microphone: [voice] },
    })),
  );
  for (const [index, publisher] of publishers.entries()) publisher.setSpeaking(index < SPEAK);
  const nothing = view === 'shown' ? { initialVideoLimit: 0 } : {};
  const [viewer] = await crowd.join([{ url, room: ROOM, name: 'viewer', estimates: false, ...nothing }]);
  if (!viewer) throw new Error('nobody came');
  if (view === 'shown') {
    await viewer.updateTrackSettings(tilesOf(publishers).map((tile) => ({ ...tile, source: 'camera' as const })));
  }
  const read = readerOf(server, publishers, viewer, view);
  const { srtp } = viewer.media;
  const owned = opening.move();
  return { url, publishers, viewer, srtp, read, [Symbol.asyncDispose]: () => owned.disposeAsync() };
}

function tilesOf(publishers: readonly Member[]) {
  return TILES.flatMap(({ width, height }, index) => {
    const { peerId } = publishers[index] ?? {};
    return peerId === undefined ? [] : [{ peerId, width, height }];
  });
}

/** The layers that this viewer should receive: those that suffice for its tiles, or the highest of each publisher. */
function layersOf(publishers: readonly Member[], view: View): Track[] {
  return publishers.flatMap((publisher, index) => {
    const layer = view === 'shown' ? TILES[index]?.layer : LAYERS.length - 1;
    return (layer !== undefined && cameraOf(publisher)[layer]) || [];
  });
}

function readerOf({ node, worker }: Measured, publishers: readonly Member[], viewer: Member, view: View): () => Window {
  const wanted = layersOf(publishers, view);
  const meters = { node: new CpuMeter(node), worker: new CpuMeter(worker) };
  return () => ({
    node: meters.node.read(),
    worker: meters.worker.read(),
    packets: receivedBy(viewer),
    video: receivedBy(viewer, 'video'),
    sufficient: wanted.reduce((sum, { packets }) => sum + packets, 0),
    bits: viewer.media.all.reduce((sum, { bytes }) => sum + bytes * 8, 0),
    up: publishers.flatMap((publisher) => cameraOf(publisher)).reduce((sum, { bytes }) => sum + bytes * 8, 0),
  });
}

function since(before: Window, after: Window): Window {
  const rate = (of: keyof Window) => ((after[of] - before[of]) * 1000) / TIMES.window;
  return {
    node: rate('node'),
    worker: rate('worker'),
    packets: rate('packets'),
    video: rate('video'),
    sufficient: rate('sufficient'),
    bits: rate('bits'),
    up: rate('up'),
  };
}

/** What a browser receives in the steady state, against what suffices. */
async function inChromium({ url, publishers }: TestRoom, report: (what: string) => void): Promise<Figure[]> {
  await using chromium = await launchChromium({ secure: url });
  const viewer = await Person.enter(chromium, { url, room: ROOM, name: 'chromium', initialVideoLimit: 0 });
  await viewer.updateTrackSettings(tilesOf(publishers));
  await setTimeout(TIMES.chromium);
  const wanted = layersOf(publishers, 'shown');
  const sum = (of: 'packets' | 'bytes') => wanted.reduce((all, track) => all + track[of], 0);
  const read = async () => ({ packets: sum('packets'), bytes: sum('bytes'), count: await viewer.count() });
  const before = await read();
  await setTimeout(TIMES.chromiumWindow);
  const after = await read();
  const widths = (await viewer.frames()).map(({ width }) => width);
  report(`Chromium showed frames of ${[...new Set(widths)].sort((a, b) => a - b).join(', ')} pixels`);
  const seconds = (after.count.at - before.count.at) / 1000;
  const kilobits = (bytes: number) => (bytes * 8) / 1000 / seconds;
  const media = (kind: string, { streams }: Count) => {
    const some = streams.filter((one) => one.direction === 'in' && one.kind === kind && !one.isProbe);
    const sum = (of: 'packets' | 'bytes' | 'headerBytes' | 'repeatedBytes') =>
      some.reduce((all, one) => all + one[of], 0);
    return {
      packets: sum('packets'),
      bytes: sum('bytes'),
      headers: sum('headerBytes'),
      repeated: sum('repeatedBytes'),
    };
  };
  const difference = (kind: string) => {
    const [one, other] = [media(kind, before.count), media(kind, after.count)];
    return {
      all: other.bytes + other.headers - one.bytes - one.headers,
      repeated: other.repeated - one.repeated,
      header: (other.headers - one.headers) / Math.max(1, other.packets - one.packets),
    };
  };
  const [video, audio] = [difference('video'), difference('audio')];
  const packets = after.packets - before.packets;
  const sufficient = after.bytes - before.bytes + packets * video.header;
  const received = after.count.received - before.count.received;
  return [
    { name: 'Chromium: video of the layers that suffice, with headers', value: kilobits(sufficient), unit: 'kbit/s' },
    { name: 'Chromium: video received, with headers', value: kilobits(video.all), unit: 'kbit/s' },
    {
      name: 'Chromium: video received, as a share of what suffices',
      value: video.all / sufficient,
      unit: '',
      goal: GOALS.downlink,
    },
    { name: 'Chromium: retransmitted video', value: kilobits(video.repeated), unit: 'kbit/s' },
    { name: 'Chromium: audio received, with headers', value: kilobits(audio.all), unit: 'kbit/s' },
    {
      name: 'Chromium: probes, RTCP and SRTP tags received',
      value: kilobits(received - video.all - audio.all),
      unit: 'kbit/s',
    },
  ];
}
