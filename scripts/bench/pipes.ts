/** Benchmark of pipes: CPU per packet of the workers of a room on two workers, against the same room on one. */
import { setTimeout } from 'node:timers/promises';
import { z } from 'zod';
import { steadyVideo } from '../support/media/steady.ts';
import { CpuMeter } from '../support/process/cpu.ts';
import { startMeasured } from '../support/servers/measured.ts';
import { raised } from '../support/servers/settings.ts';
import { pause } from './support/BareRoom.ts';
import type { Benchmark } from './support/Benchmark.ts';
import { Crowd, cameraOf } from './support/members.ts';
import { figuresOf, inTwos, ratioOf, runPairs } from './support/pairs.ts';
import { viewersOf } from './support/settings.ts';

/** `WEIR_BENCH_VIEWERS` overrides it. */
const VIEWERS = 300;
const ROOM = 'bench';
/**
 * 36 packets a second of 1097 bytes are 0.3 Mbit/s. At 1.5 Mbit/s, sending, forwarding and receiving for 300 would need
 * more than two cores, and a packet that is not delivered costs nothing.
 */
const camera = { packetsPerFrame: 6, payloadBytes: 1065, framesPerSecond: 6, keyEvery: 60 };
/** Milliseconds: the window, the warm-up before it, and time for packets in flight to arrive. */
const TIMES = { window: 1000, settle: 300, under: 150 };
const PAIRS = { full: 24, quick: 10 };
/** Two more sockets and one more pass through a worker, for a stream that then goes to 150 viewers. */
const GOAL = 1.05;
const DELIVERED = 99.9;
/** Every peer is placed on the least loaded worker. */
const spread = { WEIR_WORKERS: '2', WEIR_SPILLOVER_UTILIZATION: '0' };

/** Microseconds of CPU of all workers, and packets; of one window or several. */
interface Window {
  readonly workers: number;
  readonly received: number;
  readonly due: number;
}

interface TestRoom extends AsyncDisposable {
  measure(): Promise<Window>;
  /** Transports on each worker. */
  readonly spread: readonly number[];
  readonly srtp: string;
}

export const pipes: Benchmark = {
  name: 'pipes',
  title: 'A room on two workers',
  about: `One publisher (36 packets a second of 1097 bytes) and ${VIEWERS} viewers, half of them on a second worker, which receives the stream through a pipe; and the same with everybody on one worker. CPU time of all workers per packet that arrived. Both servers run, and one at a time is busy, in windows of a second, A B B A. The rate is below that of a camera because sender, workers and receivers share this machine.`,
  a: 'two workers',
  b: 'one worker',
  limits: raised,
  slow: true,
  async run({ quick, report }) {
    const viewers = viewersOf(VIEWERS);
    report(`connecting ${viewers} viewers to each of two servers`);
    await using two = await open(spread, viewers);
    await using one = await open({}, viewers);
    const depth = quick ? 'quick' : 'full';
    const pairs = inTwos(
      await runPairs(two.measure, one.measure, {
        pairs: 2 * PAIRS[depth],
        warmUp: 2,
        onPair: (pair, of) => report(`pair ${pair} of ${of}`),
      }),
      together,
    );
    const delivered = (side: 'a' | 'b') => {
      const sum = (of: 'received' | 'due') => pairs.reduce((all, pair) => all + pair[side][of], 0);
      return (sum('received') / sum('due')) * 100;
    };
    return {
      srtp: two.srtp,
      ratios: [
        ratioOf(
          figuresOf(pairs, ({ workers, received }) => workers / received),
          {
            name: `All workers, ${viewers} viewers`,
            unit: 'µs a packet',
            better: 'lower',
            goal: { ratio: GOAL, why: 'one more pass, of one stream, for 150 viewers' },
          },
        ),
      ],
      figures: [
        { name: 'Delivered, two workers', value: delivered('a'), unit: '%', goal: { least: DELIVERED } },
        { name: 'Delivered, one worker', value: delivered('b'), unit: '%', goal: { least: DELIVERED } },
        {
          name: 'Transports on the less busy of the two workers',
          value: Math.min(...two.spread),
          unit: '',
          goal: { least: viewers * 0.4 },
        },
      ],
    };
  },
};

/** Starts a server with everyone joined and media paused. */
async function open(settings: Record<string, string>, viewers: number): Promise<TestRoom> {
  await using opening = new AsyncDisposableStack();
  const server = opening.use(await startMeasured(settings));
  const crowd = opening.use(new Crowd());
  const { url } = server;
  const publisher = { url, room: ROOM, name: 'publisher', tracks: { camera: [steadyVideo(camera)] }, receives: false };
  const [sender] = await crowd.join([publisher]);
  const tracks = sender ? cameraOf(sender) : [];
  // Media is paused while members connect: with hundreds receiving, a handshake would wait for its turn and may time
  // out.
  pause(tracks, true);
  await crowd.join(Array.from({ length: viewers }, (_, index) => ({ url, room: ROOM, name: `viewer-${index}` })));
  const meters = server.workers.map((pid) => new CpuMeter(pid));
  const read = () => ({
    workers: meters.reduce((sum, meter) => sum + meter.read(), 0),
    received: crowd.received,
    sent: tracks.reduce((sum, { packets }) => sum + packets, 0),
  });
  const measure = async (): Promise<Window> => {
    pause(tracks, false);
    await setTimeout(TIMES.settle);
    // Each window starts and ends with media paused: packets in flight would count for one side only.
    pause(tracks, true);
    await setTimeout(TIMES.under);
    const before = read();
    pause(tracks, false);
    await setTimeout(TIMES.window);
    pause(tracks, true);
    await setTimeout(TIMES.under);
    const after = read();
    return {
      workers: after.workers - before.workers,
      received: after.received - before.received,
      due: (after.sent - before.sent) * viewers,
    };
  };
  const found = await server.child.ask('spread', z.array(z.number()), ROOM);
  const { srtp } = crowd;
  const owned = opening.move();
  return { measure, spread: found, srtp, [Symbol.asyncDispose]: () => owned.disposeAsync() };
}

function together(one: Window, other: Window): Window {
  return {
    workers: one.workers + other.workers,
    received: one.received + other.received,
    due: one.due + other.due,
  };
}
