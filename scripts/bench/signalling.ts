/** Benchmark of signalling: how fast, and with how many messages, a new member gets all consumers of a full room. */
import { setTimeout } from 'node:timers/promises';
import { opus, vp8 } from '../support/media/clientParameters.ts';
import { startMeasured } from '../support/servers/measured.ts';
import { raised } from '../support/servers/settings.ts';
import type { Benchmark } from './support/Benchmark.ts';
import { figuresOf, type Ratio, ratioOf, runPairs } from './support/pairs.ts';
import { SignalClient } from './support/SignalClient.ts';
import { StepClient } from './support/StepClient.ts';
import { startSteps } from './support/servers.ts';
import type { Traffic } from './support/Traffic.ts';

/** Peers in the room, each with a camera and screen audio, and joins that are measured together. */
const PEERS = 50;
const JOINS = 5;
/** Time for a server to clean up after a member that left, in milliseconds. */
const AFTER = 60;

interface Join {
  /** Consumers that exist, are known to the client, and are resumed. */
  readonly consumersPerSecond: number;
  readonly messages: number;
  readonly bytes: number;
}

interface Newcomer {
  readonly consumers: number;
  readonly traffic: Traffic;
  close(): void;
}

/** @param enter lets one more member join; it resolves when that member has all its consumers */
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
    // The clean-up after this member must not fall into the next join.
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
  title: "A newcomer's consumers in a full room",
  about: `${PEERS} peers with a camera and screen audio (so many microphones would use slots) are in a room, and one more joins: from its socket to the moment at which all of its ${PEERS * 2} consumers are resumed. No media flows.`,
  a: 'Weir',
  b: 'the step server, in both of its orders',
  limits: raised,
  async run({ report }) {
    await using weir = await startMeasured();
    // Consumers one after another, and all started at once, each still a request of its own.
    await using steps = await startSteps();
    await using begun = await startSteps({ WEIR_BENCH_CONSUMERS: 'atOnce' });
    report(`filling rooms with ${PEERS} peers each`);
    for (let index = 0; index < PEERS; index += 1) {
      const peers = [
        await SignalClient.join(weir.url, 'full', `peer-${index}`),
        await StepClient.join(steps.url, 'full', {}, { name: `peer-${index}` }),
        await StepClient.join(begun.url, 'full', {}, { name: `peer-${index}` }),
      ];
      for (const peer of peers) {
        await peer.produce('camera', vp8());
        // Microphones of so many peers would be replaced by audio slots.
        await peer.produce('screenAudio', opus());
      }
    }
    const viaWeir = () => joins(() => SignalClient.join(weir.url, 'full', 'newcomer'));
    const viaSteps = (url: string) => () =>
      joins(async () => {
        const client = await StepClient.join(url, 'full', {}, { name: 'newcomer' });
        await client.settled();
        return { consumers: client.consumers.length, traffic: client.traffic, close: () => client.close() };
      });
    const ratios: Ratio[] = [];
    for (const [order, server] of [
      ['one awaited step at a time', steps],
      ['all begun at once', begun],
    ] as const) {
      const pairs = await runPairs(viaWeir, viaSteps(server.url), {
        pairs: 12,
        warmUp: 2,
        onPair: (pair, of) => report(`${order}: pair ${pair} of ${of}`),
      });
      ratios.push(
        ratioOf(
          figuresOf(pairs, ({ consumersPerSecond }) => consumersPerSecond),
          {
            name: `Consumers per second, against ${order}`,
            unit: 'a second',
            better: 'higher',
            ...(server === steps && { goal: { ratio: 3, why: 'a batch instead of a round trip each' } }),
          },
        ),
      );
      if (server !== steps) continue;
      ratios.push(
        ratioOf(
          figuresOf(pairs, ({ messages }) => messages),
          { name: 'Messages per join', unit: 'messages', better: 'lower' },
        ),
        ratioOf(
          figuresOf(pairs, ({ bytes }) => bytes),
          { name: 'Bytes per join', unit: 'bytes', better: 'lower' },
        ),
      );
    }
    return { srtp: '', ratios };
  },
};
