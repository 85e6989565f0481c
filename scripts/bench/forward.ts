/**
 * Benchmark of forwarding: CPU per packet of Weir's media worker, of mediasoup alone, and of a minimal UDP sender (the
 * floor).
 */
import { setTimeout } from 'node:timers/promises';
import { Member } from '../support/endpoint/Member.ts';
import { steady } from '../support/media/material.ts';
import { steadyVideo } from '../support/media/steady.ts';
import { CpuMeter } from '../support/process/cpu.ts';
import { type Measured as Server, startMeasured } from '../support/servers/measured.ts';
import { raised } from '../support/servers/settings.ts';
import { median } from '../support/statistics/median.ts';
import { BareRoom, pause } from './support/BareRoom.ts';
import type { Benchmark, Figure } from './support/Benchmark.ts';
import { runFloor } from './support/floor.ts';
import { figuresOf, inTwos, type Pair, type Ratio, ratioOf, runPairs } from './support/pairs.ts';

/**
 * Length of each window and of the warm-up before it, in milliseconds. On a shared machine windows differ by a tenth,
 * and by less the closer they are in time: two short windows of each side, A B B A, make one pair, and many pairs an
 * interval.
 */
const WINDOW = 400;
const SETTLE = 150;
const PAIRS = { full: { bare: 80, floor: 12 }, quick: { bare: 16, floor: 10 } };
/** How long the floor program runs, in seconds. */
const FLOOR = 0.5;
/** Windows with a lower delivery ratio are discarded: they measure an overloaded machine, not the cost of a packet. */
const DELIVERED = 0.99;
/** Concurrent handshakes: as many as one process handles without delaying its members. */
const AT_ONCE = 10;
/** Size of a packet that the floor sends: RTP header, extensions and payload. */
const PACKET_BYTES = 1097;
const PACKETS_PER_SECOND = 180;

/** Counters of one window, or the sum of several: microseconds of CPU, and packets. */
interface Window {
  readonly worker: number;
  readonly node: number;
  readonly received: number;
  /** Packets that should have arrived. */
  readonly due: number;
  readonly srtp: string;
}

/** A publisher that can be paused, and its receivers. */
interface Audience {
  setFlowing(flowing: boolean): void;
  /** Packets sent once, and packets received by all receivers together, so far. */
  sent(): number;
  received(): number;
  readonly srtp: string;
}

export const forward: Benchmark = {
  name: 'forward',
  title: 'CPU time per forwarded packet',
  about:
    'One publisher of 1.58 Mbit/s (30 frames a second, 6 packets each), received over WebRTC. CPU time of the media worker (or of Node.js) per packet that arrived. The bare worker is driven without Weir, by the same kind of transport; the floor is a C program that encrypts (AES-128-GCM, OpenSSL) and sends as many packets, and does nothing else.',
  a: 'Weir',
  b: 'what the row names',
  limits: raised,
  async run({ quick, report }) {
    const ratios: Ratio[] = [];
    const figures: Figure[] = [];
    let srtp = '';
    for (const receivers of quick ? [100] : [100, 200, 300]) {
      report(`${receivers} receivers: connecting them to Weir and to the bare worker`);
      const measured = await measure(receivers, quick ? 'quick' : 'full', report);
      srtp = measured.bare[0]?.a.srtp ?? '';
      ratios.push(...ratiosOf(receivers, measured));
      figures.push(...figuresFor(receivers, measured.bare));
    }
    return { srtp, ratios, figures };
  },
};

/** Pairs against the bare worker, and against the floor (microseconds a packet). */
interface Measured {
  readonly bare: readonly Pair<Window>[];
  readonly floor: readonly Pair<number>[];
  /** The bare worker against a second bare worker: how far two identical servers differ. */
  readonly control: readonly Pair<Window>[];
}

async function measure(receivers: number, depth: 'full' | 'quick', report: (what: string) => void): Promise<Measured> {
  await using weir = await startMeasured();
  using audience = await weirAudience(weir, receivers);
  await using bare = await BareRoom.open();
  await bare.fill(receivers, AT_ONCE, steadyVideo(steady));
  await using second = await BareRoom.open();
  if (depth === 'full') await second.fill(receivers, AT_ONCE, steadyVideo(steady));
  const node = new CpuMeter(weir.node);
  const measureOne = async (one: Audience, worker: CpuMeter): Promise<Window> => {
    one.setFlowing(true);
    await setTimeout(SETTLE);
    const before = { worker: worker.read(), node: node.read(), sent: one.sent(), received: one.received() };
    await setTimeout(WINDOW);
    const found = {
      worker: worker.read() - before.worker,
      node: Math.max(0, node.read() - before.node),
      received: one.received() - before.received,
      due: (one.sent() - before.sent) * receivers,
      srtp: one.srtp,
    };
    one.setFlowing(false);
    const delivery = found.received / found.due;
    if (delivery < DELIVERED)
      report(`${receivers} receivers: only ${(delivery * 100).toFixed(1)} % arrived in a window`);
    return found;
  };
  const measureFloor = async () => {
    const { cpu, packets } = await runFloor({
      receivers,
      bytes: PACKET_BYTES,
      rate: PACKETS_PER_SECOND,
      seconds: FLOOR,
    });
    return cpu / packets;
  };
  const workers = {
    weir: new CpuMeter(weir.worker),
    bare: new CpuMeter(bare.pid),
    second: new CpuMeter(second.pid),
  };
  const onPair = (pair: number, of: number) => report(`${receivers} receivers: pair ${pair} of ${of}`);
  const inPairs = async (one: () => Promise<Window>) =>
    inTwos(
      await runPairs(one, () => measureOne(bare, workers.bare), { pairs: 2 * PAIRS[depth].bare, warmUp: 2, onPair }),
      together,
    );
  // Keep the room and its members alive until they have been measured.
  return {
    bare: await inPairs(() => measureOne(audience, workers.weir)),
    floor: await runPairs(async () => perPacket(await measureOne(audience, workers.weir)), measureFloor, {
      pairs: PAIRS[depth].floor,
      onPair,
    }),
    control: depth === 'full' ? await inPairs(() => measureOne(second, workers.second)) : [],
  };
}

function together(one: Window, other: Window): Window {
  return {
    worker: one.worker + other.worker,
    node: one.node + other.node,
    received: one.received + other.received,
    due: one.due + other.due,
    srtp: one.srtp,
  };
}

const perPacket = ({ worker, received }: Window): number => worker / received;

async function weirAudience({ url }: Server, receivers: number): Promise<Audience & Disposable> {
  const join = (name: string, publishes: boolean) =>
    Member.join({ url, room: 'bench', name, tracks: publishes ? { camera: [steadyVideo(steady)] } : {} });
  const publisher = await join('publisher', true);
  await publisher.ready;
  const tracks = [...publisher.member.media.tracks.values()].flat();
  // Media is paused while members connect: with hundreds receiving, a handshake would wait for its turn and may time
  // out.
  pause(tracks, true);
  const members: Member[] = [];
  for (let from = 0; from < receivers; from += AT_ONCE) {
    const some = Array.from({ length: Math.min(AT_ONCE, receivers - from) }, (_, index) =>
      join(`receiver-${from + index}`, false),
    );
    for (const { member, ready } of await Promise.all(some)) {
      members.push(member);
      await ready;
    }
  }
  return {
    setFlowing: (flowing) => pause(tracks, !flowing),
    sent: () => tracks.reduce((sum, { packets }) => sum + packets, 0),
    received: () =>
      members.reduce((sum, { media }) => sum + media.all.reduce((all, { distinct }) => all + distinct, 0), 0),
    srtp: publisher.member.media.srtp,
    [Symbol.dispose]() {
      for (const member of [publisher.member, ...members]) member.leave();
    },
  };
}

function ratiosOf(receivers: number, { bare, floor, control }: Measured): Ratio[] {
  return [
    ratioOf(figuresOf(bare, perPacket), {
      name: `Worker, ${receivers} receivers, against the bare worker`,
      unit: 'µs a packet',
      better: 'lower',
      goal: { ratio: 1.05, why: "Weir adds nothing to the worker's own costs" },
    }),
    ratioOf(floor, {
      name: `Worker, ${receivers} receivers, against the floor`,
      unit: 'µs a packet',
      better: 'lower',
    }),
    ...(control.length === 0
      ? []
      : [
          ratioOf(figuresOf(control, perPacket), {
            name: `Control, ${receivers} receivers: the bare worker against another bare worker`,
            unit: 'µs a packet',
            better: 'lower',
          }),
        ]),
  ];
}

function figuresFor(receivers: number, pairs: readonly Pair<Window>[]): Figure[] {
  return [
    {
      name: `Node of Weir, ${receivers} receivers`,
      value: median(pairs.map(({ a }) => a.node / a.received)),
      unit: 'µs a packet',
    },
    {
      name: `Delivered, ${receivers} receivers, worst window`,
      value: Math.min(...pairs.flatMap(({ a, b }) => [a.received / a.due, b.received / b.due])) * 100,
      unit: '%',
      goal: { least: DELIVERED * 100 },
    },
  ];
}
