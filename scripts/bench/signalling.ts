/** Owns the benchmark of signalling: how fast, and with how much talk, a newcomer gets all consumers of a full room. */
import { setTimeout } from 'node:timers/promises';
import { opus, vp8 } from '../../tests/support/media.ts';
import type { Benchmark } from './support/Benchmark.ts';
import { figuresOf, ratioOf, runPairs } from './support/pairs.ts';
import { SignalClient } from './support/SignalClient.ts';
import { StepClient } from './support/StepClient.ts';
import { startMeasured } from './support/servers.ts';
import { raised } from './support/settings.ts';
import type { Traffic } from './support/stepProtocol.ts';

/** People in the room, each with camera and microphone, and joins that are measured together. */
const PEERS = 50;
const JOINS = 5;
/** Until a server has done with somebody who left, in milliseconds. */
const AFTER = 60;

interface Join {
  /** Of consumers that exist, are known to the client, and have been resumed. */
  readonly consumersPerSecond: number;
  readonly messages: number;
  readonly bytes: number;
}

interface Newcomer {
  readonly consumers: number;
  readonly traffic: Traffic;
  close(): void;
}

/** @param enter one more member, who has all its consumers */
async function joins(enter: () => Promise<Newcomer>): Promise<Join> {
  let consumers = 0;
  let milliseconds = 0;
  const talk = { messages: 0, bytes: 0 };
  for (let index = 0; index < JOINS; index += 1) {
    const began = performance.now();
    const newcomer = await enter();
    milliseconds += performance.now() - began;
    consumers += newcomer.consumers;
    const { sent, received } = newcomer.traffic;
    talk.messages += sent.messages + received.messages;
    talk.bytes += sent.bytes + received.bytes;
    newcomer.close();
    // Its leaving is no part of the next one's coming.
    await setTimeout(AFTER);
  }
  if (consumers !== JOINS * PEERS * 2) throw new Error(`${consumers} consumers were made, not ${JOINS * PEERS * 2}.`);
  return {
    consumersPerSecond: (consumers / milliseconds) * 1000,
    messages: talk.messages / JOINS,
    bytes: talk.bytes / JOINS,
  };
}

export const signalling: Benchmark = {
  name: 'signalling',
  title: 'Signalling: a newcomer in a full room',
  about: `${PEERS} peers with camera and microphone are in a room; one more comes, from its socket to the moment at which all of its ${PEERS * 2} consumers are resumed. No media flows.`,
  a: 'Weir',
  b: 'one awaited step at a time',
  limits: raised,
  async run({ say }) {
    await using weir = await startMeasured('weir');
    await using steps = await startMeasured('steps');
    say(`signalling: filling two rooms with ${PEERS} peers each`);
    for (let index = 0; index < PEERS; index += 1) {
      const ours = await SignalClient.join(weir.url, 'full', `peer-${index}`);
      const theirs = await StepClient.join(steps.url, 'full', {}, { name: `peer-${index}` });
      for (const [source, parameters] of [
        ['camera', vp8()],
        ['microphone', opus()],
      ] as const) {
        await ours.produce(source, parameters);
        await theirs.produce(source, parameters);
      }
    }
    const pairs = await runPairs(
      () => joins(() => SignalClient.join(weir.url, 'full', 'newcomer')),
      () =>
        joins(async () => {
          const client = await StepClient.join(steps.url, 'full', {}, { name: 'newcomer' });
          await client.settled();
          return { consumers: client.consumers.length, traffic: client.traffic, close: () => client.close() };
        }),
      { pairs: 12, warmUp: 2, onPair: (pair, of) => say(`signalling: pair ${pair} of ${of}`) },
    );
    return {
      srtp: '',
      ratios: [
        ratioOf(
          figuresOf(pairs, ({ consumersPerSecond }) => consumersPerSecond),
          {
            name: 'Consumers a second',
            unit: 'a second',
            better: 'higher',
            goal: { ratio: 3, why: 'a batch instead of a round trip each' },
          },
        ),
        ratioOf(
          figuresOf(pairs, ({ messages }) => messages),
          { name: 'Messages a join', unit: 'messages', better: 'lower' },
        ),
        ratioOf(
          figuresOf(pairs, ({ bytes }) => bytes),
          { name: 'Bytes a join', unit: 'bytes', better: 'lower' },
        ),
      ],
    };
  },
};
