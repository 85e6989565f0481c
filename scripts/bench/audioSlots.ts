/**
 * Benchmark of audio slots: their cost and saving against forwarding every microphone, and how much of the speech they
 * clip.
 */
import { setTimeout } from 'node:timers/promises';
import { CpuMeter } from '../support/process/cpu.ts';
import { type Measured, startMeasured } from '../support/servers/measured.ts';
import { raised } from '../support/servers/settings.ts';
import { distributionOf } from '../support/statistics/distribution.ts';
import { median } from '../support/statistics/median.ts';
import type { Benchmark, Figure } from './support/Benchmark.ts';
import { Crowd, receivedBy } from './support/members.ts';
import { figuresOf, type Pair, ratioOf, runPairs } from './support/pairs.ts';
import { PACKET, SpeechTurns, voiceOf } from './support/speechTurns.ts';

/** The largest room in which Weir can still forward every microphone (WEIR_MAX_AUDIBLE_SPEAKERS is 20 at most). */
const BOTH = 21;
const ALL_HEARD = { WEIR_MAX_AUDIBLE_SPEAKERS: '20' };
const SIZES = { full: [25, 50, 100], quick: [25] };
/** Listeners without a microphone, in addition to the microphones of a large room. */
const LISTENERS = 3;
/** Turns of speech that are evaluated in each room; a new one begins every 700 ms. */
const TURNS = 64;
const TIMES = { settle: 1500, window: 2000, turn: 700 };
const PAIRS = { full: 20, quick: 10 };
const GOALS = { lost: 300 };
const SECOND = 1000;

/** One measurement window: microseconds of CPU a second, and packets a second received by all listeners together. */
interface Window {
  readonly node: number;
  readonly worker: number;
  readonly received: number;
}

interface TestRoom extends AsyncDisposable {
  measure(): Promise<Window>;
  /** Consumers of one listener. */
  readonly consumers: number;
  readonly srtp: string;
}

export const audioSlots: Benchmark = {
  name: 'audio-slots',
  title: 'Audio in a large room',
  about: `Each microphone sends 50 packets a second with audio levels. One after another speaks for 2.4 s, three or four at a time. Slots: at most five speakers are audible at once. All forwarded: the same server with WEIR_MAX_AUDIBLE_SPEAKERS=20 and ${BOTH} microphones, the most that it forwards one by one; all ${BOTH} listen. In larger rooms ${LISTENERS} peers only listen, and onsets of speech are followed from the first sound to a listener.`,
  a: 'slots',
  b: 'all forwarded',
  limits: raised,
  slow: true,
  async run({ quick, report }) {
    const depth = quick ? 'quick' : 'full';
    const { pairs, srtp, consumers } = await compare(PAIRS[depth], report);
    const figures: Figure[] = [
      { name: `Consumers per listener, ${BOTH} microphones, slots`, value: consumers.slots, unit: '' },
      { name: `Consumers per listener, ${BOTH} microphones, all forwarded`, value: consumers.all, unit: '' },
    ];
    // The cost of one packet where forwarding packets is the only work.
    const packetCost = median(pairs.map(({ b }) => b.worker / b.received));
    for (const size of SIZES[depth]) {
      report(`${size} microphones`);
      figures.push(...(await inLargeRoom(size, packetCost)));
    }
    const ratio = (name: string, unit: string, of: (window: Window) => number) =>
      ratioOf(figuresOf(pairs, of), { name: `${name}, ${BOTH} microphones`, unit, better: 'lower' as const });
    return {
      srtp,
      ratios: [
        ratio('Node and worker', 'µs a second', ({ node, worker }) => node + worker),
        ratio('Worker', 'µs a second', ({ worker }) => worker),
        ratio('Packets to a listener', 'a second', ({ received }) => received / BOTH),
      ],
      figures,
    };
  },
};

async function compare(count: number, report: (what: string) => void) {
  await using bySlots = await open({});
  await using all = await open(ALL_HEARD);
  const pairs: Pair<Window>[] = await runPairs(bySlots.measure, all.measure, {
    pairs: count,
    warmUp: 1,
    onPair: (pair, of) => report(`pair ${pair} of ${of}`),
  });
  const consumers = { slots: bySlots.consumers, all: all.consumers };
  return { pairs, srtp: bySlots.srtp, consumers };
}

/** Opens a room in which everybody speaks and listens; media flows during measurements only. */
async function open(settings: Record<string, string>): Promise<TestRoom> {
  await using opening = new AsyncDisposableStack();
  const server = opening.use(await startMeasured(settings));
  const crowd = opening.use(new Crowd());
  const { url } = server;
  const members = await crowd.join(
    Array.from({ length: BOTH }, (_, index) => ({
      ...{ url, room: 'bench', name: `member-${index}` },
      tracks: { microphone: [voiceOf(index)] },
    })),
  );
  const talk = opening.use(new SpeechTurns(members));
  talk.begin();
  const flow = (flowing: boolean) => {
    for (const { media } of members) for (const track of media.tracks.get('microphone') ?? []) track.paused = !flowing;
  };
  const read = readerOf(server, () => crowd.received);
  const measure = async () => {
    flow(true);
    await setTimeout(TIMES.settle);
    const before = read();
    await setTimeout(TIMES.window);
    const found = perSecond(before, read(), TIMES.window);
    flow(false);
    return found;
  };
  // The first speakers have fewer consumers: those made before slots began are closed once the slots are ready.
  await setTimeout(TIMES.settle);
  flow(false);
  const consumers = members.at(-1)?.media.receivers.size ?? 0;
  const { srtp } = crowd;
  const owned = opening.move();
  return { measure, consumers, srtp, [Symbol.asyncDispose]: () => owned.disposeAsync() };
}

async function inLargeRoom(size: number, packetCost: number): Promise<Figure[]> {
  await using server = await startMeasured();
  using speakers = new Crowd();
  using listeners = new Crowd();
  const { url } = server;
  let record: SpeechTurns['record'] | undefined;
  const members = await speakers.join(
    Array.from({ length: size }, (_, index) => ({
      ...{ url, room: 'bench', name: `member-${index}` },
      tracks: { microphone: [voiceOf(index)] },
      receives: false,
    })),
  );
  using talk = new SpeechTurns(members);
  record = (bytes, latency) => talk.record(bytes, latency);
  const room = Array.from({ length: LISTENERS }, (_, index) => ({
    ...{ url, room: 'bench', name: `listener-${index}` },
    ...(index === 0 && { onPacket: (bytes: number, latency: number | undefined) => record?.(bytes, latency) }),
  }));
  const [listener] = await listeners.join(room);
  await setTimeout(TIMES.settle);
  talk.begin();
  const read = readerOf(server, () => listeners.received);
  const before = read();
  const time = TURNS * TIMES.turn;
  await setTimeout(time);
  const { node, worker, received } = perSecond(before, read(), time);
  const onsets = talk.onsets();
  const lost = distributionOf(onsets.map((one) => one.lost));
  const first = distributionOf(onsets.map((one) => one.first));
  const consumers = listener ? [...listener.media.receivers.values()].length : 0;
  const packets = listener ? receivedBy(listener, 'audio') : 0;
  if (packets === 0) throw new Error('The listener received nothing.');
  const all = { listener: (size - 1) * (SECOND / PACKET), slots: 5 * (SECOND / PACKET) };
  const name = (what: string) => `${what}, ${size} microphones`;
  return [
    { name: name('Node, share of a core'), value: node / 1e6, unit: '' },
    { name: name(`Worker, share of a core, ${LISTENERS} listeners`), value: worker / 1e6, unit: '' },
    { name: name('Packets to a listener'), value: received / LISTENERS, unit: 'a second' },
    { name: name('Consumers a listener'), value: consumers, unit: '' },
    { name: name('Packets to a listener, all forwarded, computed'), value: all.listener, unit: 'a second' },
    {
      name: name(`Worker, everybody listens, all forwarded, computed (${packetCost.toFixed(1)} µs a packet), cores`),
      value: (size * all.listener * packetCost) / 1e6,
      unit: '',
    },
    {
      name: name('Worker, everybody listens, slots, computed, cores'),
      value: (worker + (size - LISTENERS) * all.slots * packetCost) / 1e6,
      unit: '',
    },
    { name: name(`Beginnings of speech`), value: onsets.length, unit: '' },
    { name: name('Lost of a beginning, p50'), value: lost.p50, unit: 'ms' },
    { name: name('Lost of a beginning, p95'), value: lost.p95, unit: 'ms', goal: { most: GOALS.lost } },
    { name: name('First packet of a beginning, p50'), value: first.p50, unit: 'ms' },
    { name: name('First packet of a beginning, p95'), value: first.p95, unit: 'ms' },
  ];
}

function readerOf({ node, worker }: Measured, received: () => number): () => Window {
  const meters = { node: new CpuMeter(node), worker: new CpuMeter(worker) };
  return () => ({ node: meters.node.read(), worker: meters.worker.read(), received: received() });
}

function perSecond(before: Window, after: Window, time: number): Window {
  const rate = (of: keyof Window) => Math.max(0, ((after[of] - before[of]) * SECOND) / time);
  return { node: rate('node'), worker: rate('worker'), received: rate('received') };
}
