/** Tests of audio slots: speakers and listeners on two workers, with RTP over UDP in and out. */
import { createWorker } from 'mediasoup';
import type { Router, Worker } from 'mediasoup/types';
import { afterAll, beforeAll, expect, onTestFinished, test, vi } from 'vitest';
import { AudioSlots } from '../../server/media/audio/AudioSlots.ts';
import { mediaCodecs } from '../../server/media/options.ts';
import { FrameClock, type HeardPacket, Listener, Talker } from '../support/talkers.ts';

const SPEECH = -25;
const { MEDIASOUP_WORKER_BIN: workerBin } = process.env;
const startWorker = () => createWorker({ logLevel: 'warn', ...(workerBin && { workerBin }) });
let workers: Worker[];
let ssrc = 1000;

beforeAll(async () => {
  workers = await Promise.all([startWorker(), startWorker()]);
});
afterAll(() => {
  for (const worker of workers) worker.close();
});

interface Scene {
  readonly routers: readonly [Router, Router];
  readonly slots: AudioSlots;
  readonly clock: FrameClock;
  /** The arguments of `onChange`, in order. */
  readonly changes: (readonly (string | undefined)[])[];
  talker(id: string, router?: Router): Promise<Talker>;
  listener(router?: Router): Promise<Listener>;
}

/** Slots for `maxAudibleSpeakers` speakers, and a router on each worker. */
async function open(maxAudibleSpeakers: number, on: readonly Worker[] = workers): Promise<Scene> {
  const [first, second] = await Promise.all(on.map((worker) => worker.createRouter({ mediaCodecs })));
  if (!first || !second) throw new Error('two workers are needed');
  const clock = new FrameClock();
  const changes: Scene['changes'] = [];
  const slots = new AudioSlots({ maxAudibleSpeakers, now: clock.now, onChange: (holders) => changes.push(holders) });
  onTestFinished(() => {
    slots.close();
    first.close();
    second.close();
  });
  return {
    routers: [first, second],
    slots,
    clock,
    changes,
    async talker(id, router = first) {
      ssrc += 1;
      const talker = await Talker.open(id, ssrc, router);
      onTestFinished(() => talker.close());
      await slots.add(id, talker.microphone);
      return talker;
    },
    async listener(router = first) {
      const listener = await Listener.open(router, await slots.producersOn(router));
      onTestFinished(() => listener.close());
      return listener;
    },
  };
}

const loud = (...talkers: Talker[]) => new Map(talkers.map((talker) => [talker, SPEECH]));
const range = (from: number, to: number) => Array.from({ length: to - from }, (_, index) => from + index);

/** Increments from packet to packet of one stream. */
function steps(packets: readonly HeardPacket[] = []): { sequence: number; timestamp: number }[] {
  return packets.slice(1).map((packet, index) => ({
    sequence: (packet.sequence - (packets[index]?.sequence ?? 0)) & 0xffff,
    timestamp: (packet.timestamp - (packets[index]?.timestamp ?? 0)) | 0,
  }));
}

test('with twenty speakers on two workers, listeners on both receive one stream per slot, with those who speak', async () => {
  const scene = await open(2);
  const [first, second] = scene.routers;
  const talkers = await Promise.all(range(0, 20).map((index) => scene.talker(`t${index}`, scene.routers[index % 2])));
  const [near, far] = await Promise.all([scene.listener(first), scene.listener(second)]);
  const [ann, bob, cem, dan] = talkers;
  if (!ann || !bob || !cem || !dan) throw new Error('talkers are missing');

  await scene.clock.run(5, talkers);
  expect(scene.slots.holders).toEqual([undefined, undefined, undefined]);

  await scene.clock.run(10, talkers, loud(ann));
  await scene.clock.run(10, talkers, loud(ann, bob));
  await scene.clock.run(10, talkers, loud(ann, bob, cem));
  // There is no free slot.
  await scene.clock.run(10, talkers, loud(ann, bob, cem, dan));
  expect(scene.slots.holders).toEqual(['t0', 't1', 't2']);
  for (const listener of [near, far]) {
    // A listener throws for a packet of any other stream.
    expect(listener.consumers).toHaveLength(3);
    await vi.waitFor(() => {
      expect(listener.numbers(0, ann).at(-1)).toBe(45);
      expect(listener.numbers(1, bob).at(-1)).toBe(45);
      expect(listener.numbers(2, cem).at(-1)).toBe(45);
    });
    // The pre-roll is the last 40 ms of silence.
    expect(listener.numbers(0, ann)[0]).toBe(4);
    const heard = new Set(listener.heard.flat().map((packet) => packet.talker));
    expect(heard).toEqual(new Set([ann.ssrc, bob.ssrc, cem.ssrc]));
  }
});

test('a first syllable arrives from its first loud packet on, without a loss', async () => {
  const scene = await open(2);
  const ann = await scene.talker('ann');
  const listener = await scene.listener();
  await scene.clock.run(20, [ann]);
  await scene.clock.run(30, [ann], loud(ann));
  await vi.waitFor(() => expect(listener.numbers(0, ann).at(-1)).toBe(50));
  // Packets 21 and on are loud; the 40 ms before them are the pre-roll.
  expect(listener.numbers(0, ann)).toEqual(range(19, 51));
  expect(listener.heard[0]?.map(({ marker }) => marker)).toEqual(range(19, 51).map((number) => number === 19));
  expect(steps(listener.heard[0])).toEqual(range(20, 51).map(() => ({ sequence: 1, timestamp: 960 })));
});

test('consecutive speakers form one stream: sequence numbers by one, timestamps by elapsed time, a marker at each change', async () => {
  const scene = await open(1);
  const [ann, bob] = await Promise.all([scene.talker('ann'), scene.talker('bob', scene.routers[1])]);
  const listener = await scene.listener();
  bob.sequence = 30_000;
  await scene.clock.run(10, [ann, bob], loud(ann));
  // Then nobody speaks, and Ann's packets stop: Bob begins a second after her last one.
  await scene.clock.run(50, [bob]);
  await scene.clock.run(10, [bob], loud(bob));
  expect(scene.slots.holders).toEqual(['bob', undefined]);
  await vi.waitFor(() => expect(listener.numbers(0, bob).at(-1)).toBe(30_069));

  const stream = listener.heard[0] ?? [];
  const change = stream.findIndex((packet) => packet.talker === bob.ssrc);
  expect(stream.slice(0, change).every((packet) => packet.talker === ann.ssrc)).toBe(true);
  expect(stream.slice(change).every((packet) => packet.talker === bob.ssrc)).toBe(true);
  expect(steps(stream).every(({ sequence }) => sequence === 1)).toBe(true);
  // 50 silent frames, the last 40 ms of which are sent as pre-roll.
  expect(steps(stream).map(({ timestamp }) => timestamp / 960)).toEqual([
    ...range(1, change).map(() => 1),
    49,
    ...range(change + 1, stream.length).map(() => 1),
  ]);
  expect(stream.filter(({ marker }) => marker)).toEqual([stream[0], stream[change]]);
});

test('the holders are announced before any packet of a new speaker is sent', async () => {
  const scene = await open(1);
  const ann = await scene.talker('ann');
  const listener = await scene.listener();
  const [producer] = await scene.slots.producersOn(scene.routers[0]);
  if (!producer) throw new Error('there is no slot');
  const order: string[] = [];
  scene.changes.push = (holders) => order.push(`told ${holders[0]}`);
  const send = vi.spyOn(producer, 'send').mockImplementation(() => order.push('sent'));
  await scene.clock.run(5, [ann], loud(ann));
  send.mockRestore();
  expect(order.slice(0, 2)).toEqual(['told ann', 'sent']);
  await scene.clock.run(1, [ann], loud(ann));
  await vi.waitFor(() => expect(listener.numbers(0, ann)).toEqual([6]));
});

test('a speaker who is muted or gone frees its slot at once, and its earlier audio is not sent later', async () => {
  const scene = await open(1);
  const [ann, bob] = await Promise.all([scene.talker('ann'), scene.talker('bob')]);
  const listener = await scene.listener();
  await scene.clock.run(5, [ann, bob], loud(ann));
  await ann.producer.pause();
  await vi.waitFor(() => expect(scene.changes.at(-1)).toEqual([undefined, undefined]));
  await scene.clock.run(5, [bob], loud(bob));
  expect(scene.slots.holders).toEqual(['bob', undefined]);

  bob.producer.close();
  await vi.waitFor(() => expect(scene.changes.at(-1)).toEqual([undefined, undefined]));
  await ann.producer.resume();
  ann.sequence = 100;
  await scene.clock.run(5, [ann], loud(ann));
  await vi.waitFor(() => expect(listener.numbers(0, ann).at(-1)).toBe(104));
  expect(listener.numbers(0, ann)).toEqual([...range(1, 6), ...range(100, 105)]);
  expect(steps(listener.heard[0]).every(({ sequence, timestamp }) => sequence === 1 && timestamp > 0)).toBe(true);
});

test('audio level and capture time are forwarded', async () => {
  const scene = await open(1);
  const ann = await scene.talker('ann', scene.routers[1]);
  const listener = await scene.listener();
  const captured = 0xe9_00_00_00_80_00_00_00n;
  for (const number of range(1, 7)) {
    scene.clock.at += 20;
    ann.send(-20 - number, number % 2 ? captured + BigInt(number) : undefined);
    await vi.waitUntil(() => scene.clock.asked === number, { interval: 1 });
  }
  await vi.waitFor(() => expect(listener.numbers(0, ann)).toEqual(range(1, 7)));
  expect(listener.heard[0]?.map(({ level }) => level)).toEqual(range(1, 7).map((number) => -20 - number));
  expect(listener.heard[0]?.map(({ captureTime }) => captureTime)).toEqual(
    range(1, 7).map((number) => (number % 2 ? captured + BigInt(number) : undefined)),
  );
});

test('a worker that dies takes its speakers along, and the others continue', async () => {
  const [steady] = workers;
  if (!steady) throw new Error('there is no worker');
  const doomed = await startWorker();
  onTestFinished(() => doomed.close());
  const scene = await open(1, [steady, doomed]);
  const [home, lost] = scene.routers;
  const [ann, bob] = await Promise.all([scene.talker('ann', lost), scene.talker('bob', home)]);
  const [near] = await Promise.all([scene.listener(home), scene.slots.producersOn(lost)]);
  await scene.clock.run(5, [ann, bob], loud(ann));
  expect(scene.slots.holders).toEqual(['ann', undefined]);

  process.kill(doomed.pid, 'SIGKILL');
  await vi.waitFor(() => expect(scene.slots.holders).toEqual([undefined, undefined]));
  await scene.clock.run(5, [bob], loud(bob));
  await vi.waitFor(() => expect(near.numbers(0, bob).at(-1)).toBe(10));
  await expect(scene.slots.producersOn(lost)).rejects.toThrow();
  await expect(scene.slots.add('late', ann.microphone)).resolves.toBeUndefined();
});

test('one producer per slot and router; close removes everything, whatever is pending', async () => {
  const scene = await open(2);
  const [home] = scene.routers;
  const [first, second] = await Promise.all([scene.slots.producersOn(home), scene.slots.producersOn(home)]);
  expect(first).toHaveLength(3);
  expect(second).toEqual(first);
  const ann = await scene.talker('ann');
  const before = await home.dump();
  // Ann's own transport, and the one of all slots.
  expect(before.transportIds).toHaveLength(2);
  expect(before.mapProducerIdConsumerIds).toHaveLength(4);

  const late = await Talker.open('late', 1, home);
  onTestFinished(() => late.close());
  const adding = scene.slots.add('late', late.microphone);
  const making = scene.slots.producersOn(scene.routers[1]).catch(() => 'refused');
  scene.slots.close();
  scene.slots.close();
  await Promise.all([adding, making]);
  await vi.waitFor(async () => {
    const { transportIds, mapProducerIdConsumerIds } = await home.dump();
    expect(transportIds).toHaveLength(2);
    // The microphones still exist, without consumers.
    expect(new Map(mapProducerIdConsumerIds.map(({ key, values }) => [key, values]))).toEqual(
      new Map([ann, late].map(({ producer }) => [producer.id, []])),
    );
    expect((await scene.routers[1].dump()).transportIds).toEqual([]);
  });
  expect(first.every(({ closed }) => closed)).toBe(true);
  expect(home.observer.listenerCount('close')).toBe(0);
  await expect(scene.slots.producersOn(home)).rejects.toThrow('closed');
});

test('a speaker has one microphone: a newer one replaces the older', async () => {
  const scene = await open(1);
  const old = await scene.talker('ann');
  const listener = await scene.listener();
  await scene.clock.run(5, [old], loud(old));
  const newer = await scene.talker('ann');
  expect(scene.slots.holders).toEqual([undefined, undefined]);
  await scene.clock.run(5, [newer], loud(newer));
  expect(scene.slots.holders).toEqual(['ann', undefined]);
  await vi.waitFor(() => expect(listener.numbers(0, newer)).toEqual(range(1, 6)));
  old.producer.close();
  await vi.waitFor(async () => expect((await scene.routers[0].dump()).mapProducerIdConsumerIds).toHaveLength(3));
  expect(scene.slots.holders).toEqual(['ann', undefined]);
});

test('a microphone that exceeds the rate limit is ignored, and the others are not', async () => {
  const scene = await open(1);
  const [ann, bob] = await Promise.all([scene.talker('ann'), scene.talker('bob')]);
  const listener = await scene.listener();
  await scene.clock.run(5, [ann, bob], loud(ann));
  for (const _ of range(0, 10)) {
    // As many packets as a socket's buffer holds.
    const until = scene.clock.asked + 60;
    for (const _ of range(0, 60)) ann.send(SPEECH);
    await vi.waitUntil(() => scene.clock.asked >= until || scene.slots.holders[0] === undefined, { interval: 1 });
  }
  expect(scene.slots.holders).toEqual([undefined, undefined]);
  await scene.clock.run(5, [bob], loud(bob));
  await vi.waitFor(() => expect(listener.numbers(0, bob).at(-1)).toBe(10));
});

test('a speaker in the extra slot is heard by the slot holders, and by all once another is silent', async () => {
  const scene = await open(1);
  const [ann, bob] = await Promise.all([scene.talker('ann'), scene.talker('bob', scene.routers[1])]);
  const listener = await scene.listener();
  await scene.clock.run(10, [ann, bob], loud(ann));
  await scene.clock.run(10, [ann, bob], loud(ann, bob));
  expect(scene.slots.holders).toEqual(['ann', 'bob']);
  await scene.clock.run(40, [ann, bob], loud(bob));
  expect(scene.slots.holders).toEqual(['bob', undefined]);
  await vi.waitFor(() => expect(listener.numbers(0, bob).at(-1)).toBe(60));
  const [extra, common] = [listener.numbers(1, bob), listener.numbers(0, bob)];
  // Every packet from the first loud one is in one of them, and none in both.
  expect([...extra, ...common]).toEqual(range(9, 61));
  expect(steps(listener.heard[0]).every(({ sequence }) => sequence === 1)).toBe(true);
});
