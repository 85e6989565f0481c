/** Benchmark of memory: what one room takes in Node and in the worker, and whether joins and leaves leak. */
import { setTimeout } from 'node:timers/promises';
import { z } from 'zod';
import { opus, vp8 } from '../support/media/clientParameters.ts';
import { Memory } from '../support/process/Child.ts';
import { memoryOf } from '../support/process/cpu.ts';
import { type Measured, startMeasured } from '../support/servers/measured.ts';
import { raised } from '../support/servers/settings.ts';
import { median } from '../support/statistics/median.ts';
import type { Benchmark, Figure } from './support/Benchmark.ts';
import { figuresOf, ratioOf, runPairs } from './support/pairs.ts';
import { SignalClient } from './support/SignalClient.ts';
import { startBareObjects } from './support/servers.ts';

/** Peers in each room: each publishes a camera and screen audio, and receives all others'. */
const PEERS = 30;
const CONSUMERS = PEERS * (PEERS - 1) * 2;
const JOINS = { warmUp: 500, counted: 10_000, atOnce: 8 };

/** Bytes that one more room takes. */
interface Growth {
  readonly node: number;
  readonly worker: number;
}

/** Memory growth that `grow` causes on a server. */
async function growth(server: Measured, grow: () => Promise<void>): Promise<Growth> {
  const before = await hold(server);
  await grow();
  const after = await hold(server);
  return { node: after.node - before.node, worker: after.worker - before.worker };
}

async function hold({ child, worker }: Measured): Promise<Growth> {
  const { heap } = await child.ask('memory', Memory);
  return { node: heap, worker: memoryOf(worker).rss };
}

async function fillRoom(url: string, room: string): Promise<void> {
  const clients: SignalClient[] = [];
  for (let index = 0; index < PEERS; index += 1) {
    const client = await SignalClient.join(url, room, `peer-${index}`);
    clients.push(client);
    await client.produce('camera', vp8());
    // Microphones of so many peers would be replaced by audio slots.
    await client.produce('screenAudio', opus());
  }
  const due = () => clients.reduce((sum, { consumers }) => sum + consumers, 0);
  for (let waited = 0; due() < CONSUMERS; waited += 10) {
    if (waited > 10_000) throw new Error(`${due()} of ${CONSUMERS} consumers came.`);
    await setTimeout(10);
  }
}

/** Bytes that remain after `JOINS.counted` joins and leaves. */
async function leak(report: (what: string) => void): Promise<Figure[]> {
  await using weir = await startMeasured();
  let name = 0;
  const joinAndLeave = async (count: number) => {
    const worker = async () => {
      while (count > 0) {
        count -= 1;
        name += 1;
        if (name % 2000 === 0) report(`${name} joins`);
        const client = await SignalClient.join(weir.url, `room-${name % 50}`, `member-${name}`);
        await client.produce('microphone', opus());
        await client.leave();
      }
    };
    await Promise.all(Array.from({ length: JOINS.atOnce }, worker));
  };
  await joinAndLeave(JOINS.warmUp);
  const { node, worker } = await growth(weir, () => joinAndLeave(JOINS.counted));
  const rooms = await weir.child.ask('rooms', z.number());
  return [
    { name: 'Left in Node.js by a join and a leave', value: node / JOINS.counted, unit: 'bytes' },
    { name: 'Left in the worker by a join and a leave', value: worker / JOINS.counted, unit: 'bytes' },
    { name: 'Rooms left open', value: rooms, unit: '', goal: { most: 0 } },
  ];
}

export const memory: Benchmark = {
  name: 'memory',
  title: 'Memory',
  about: `Rooms of ${PEERS}, each peer with a camera and screen audio (so many microphones would use slots), and a consumer for each of the others' (${CONSUMERS} a room). Node.js: heap and external memory after a garbage collection, for Weir with its sockets, rooms and peers; mediasoup's objects alone have none of these.`,
  a: 'Weir',
  b: "mediasoup's objects alone",
  limits: raised,
  async run({ quick, report }) {
    await using weir = await startMeasured();
    await using bare = await startBareObjects();
    let room = 0;
    const pairs = await runPairs(
      () => growth(weir, () => fillRoom(weir.url, `room-${++room}`)),
      () =>
        growth(bare, async () => {
          const consumers = await bare.child.ask('fill', z.number(), PEERS);
          if (consumers !== CONSUMERS) throw new Error(`${consumers} consumers were made.`);
        }),
      { warmUp: 2, onPair: (pair, of) => report(`pair ${pair} of ${of}`) },
    );
    return {
      srtp: '',
      ratios: [
        ratioOf(
          figuresOf(pairs, ({ node }) => node / 1024),
          {
            name: `Node, a room of ${PEERS}`,
            unit: 'KiB',
            better: 'lower',
            goal: { ratio: 1.3, why: 'little beside what mediasoup itself uses' },
          },
        ),
      ],
      figures: [
        {
          name: 'Node.js, per consumer, everything included',
          value: median(pairs.map(({ a }) => a.node)) / CONSUMERS,
          unit: 'bytes',
        },
        {
          name: 'Worker, per consumer, everything included',
          value: median(pairs.map(({ a }) => a.worker)) / CONSUMERS,
          unit: 'bytes',
        },
        ...(quick ? [] : await leak(report)),
      ],
    };
  },
};
