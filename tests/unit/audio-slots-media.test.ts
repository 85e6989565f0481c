/** Audio slots on routers, in every order in which a worker can answer: nothing is left open, and the right ones are notified. */
import { EventEmitter } from 'node:events';
import { expect, test } from 'vitest';
import { AudioSlots } from '../../server/media/audio/AudioSlots.ts';
import type {
  Microphone,
  MicrophoneConsumer,
  SlotDirectTransport,
  SlotProducer,
  SlotRouter,
} from '../../server/media/audio/slotMedia.ts';
import { FakeWorker } from '../support/FakeWorker.ts';
import { voiceExtensions, voicePacket } from '../support/talkers.ts';

class FakeProducer implements SlotProducer {
  readonly id: string;
  readonly rtpParameters = { codecs: [] };
  readonly consumableRtpParameters = { codecs: [] };
  readonly observer = new EventEmitter<{ close: [] }>();
  closed = false;
  readonly #onSend: () => void;

  constructor(id: string, onSend: () => void = () => {}) {
    this.id = id;
    this.#onSend = onSend;
  }

  send(): void {
    this.#onSend();
  }

  close(): void {
    if (this.closed) return;
    this.closed = true;
    this.observer.emit('close');
  }
}

class FakeConsumer extends EventEmitter<{ producerpause: []; rtp: [Buffer] }> implements MicrophoneConsumer {
  readonly rtpParameters = {
    codecs: [{ mimeType: 'audio/opus', payloadType: 100, clockRate: 48_000, channels: 2 }],
    headerExtensions: [{ uri: 'urn:ietf:params:rtp-hdrext:ssrc-audio-level' as const, id: voiceExtensions.level }],
  };
  readonly observer = new EventEmitter<{ close: [] }>();
  closed = false;

  close(): void {
    if (this.closed) return;
    this.closed = true;
    this.observer.emit('close');
  }
}

/** Its requests are `transport`, `consume <microphone>` and `produce <ssrc>`. */
class FakeRouter implements SlotRouter {
  readonly worker = new FakeWorker();
  readonly rtpCapabilities = {};
  readonly observer = new EventEmitter<{ close: [] }>();
  readonly consumers = new Map<string, FakeConsumer>();
  readonly producers: FakeProducer[] = [];
  readonly #log: string[];
  closed = false;
  transports = 0;

  constructor(log: string[]) {
    this.#log = log;
  }

  async createDirectTransport(): Promise<SlotDirectTransport> {
    await this.worker.request('transport');
    this.transports += 1;
    return {
      consume: async ({ producerId }) => {
        await this.worker.request(`consume ${producerId}`);
        const consumer = new FakeConsumer();
        this.consumers.set(producerId, consumer);
        return consumer;
      },
      produce: async ({ rtpParameters: { encodings } }) => {
        const ssrc = encodings?.[0]?.ssrc;
        await this.worker.request(`produce ${ssrc}`);
        const producer = new FakeProducer(`slot ${ssrc}`, () => this.#log.push(`packet in slot ${Number(ssrc) - 1}`));
        this.producers.push(producer);
        return producer;
      },
      close: () => {
        this.transports -= 1;
        for (const one of [...this.consumers.values(), ...this.producers]) one.close();
      },
    };
  }

  close(): void {
    this.closed = true;
    this.observer.emit('close');
  }
}

/** Slots for two talkers, and one more. */
function setUp() {
  const log: string[] = [];
  const router = new FakeRouter(log);
  let at = 0;
  const slots = new AudioSlots({
    maxAudibleSpeakers: 2,
    now: () => at,
    onChange: (holders) => log.push(`holders ${holders.map((id) => id ?? '-').join(' ')}`),
  });
  let leases = 0;
  let sequence = 0;
  return {
    log,
    router,
    worker: router.worker,
    slots,
    get leases() {
      return leases;
    },
    microphone(id: string): Microphone & { producer: FakeProducer } {
      leases += 1;
      let disposed = false;
      return {
        producer: new FakeProducer(id),
        router,
        [Symbol.dispose]: () => {
          if (!disposed) leases -= 1;
          disposed = true;
        },
      };
    },
    /** That microphone sends so many packets of 20 ms of speech, as loud as that. */
    speak(id: string, packets: number, level = -25) {
      for (let left = packets; left > 0; left -= 1) {
        at += 20;
        sequence += 1;
        router.consumers.get(id)?.emit('rtp', voicePacket({ ssrc: 1, sequence, level }));
      }
    },
    silence(milliseconds: number) {
      at += milliseconds;
    },
  };
}

/** As `setUp`, with microphones that are being read. */
async function reading(...ids: string[]) {
  const scene = setUp();
  const microphones = ids.map((id) => scene.microphone(id));
  const adding = microphones.map((microphone, index) => scene.slots.add(ids[index] ?? '', microphone));
  const producing = scene.slots.producersOn(scene.router);
  await scene.worker.answerAll();
  await Promise.all([...adding, producing]);
  return { ...scene, microphones, leases: () => scene.leases };
}

test('the producers of a router are created once, whoever asks while they open', async () => {
  const scene = setUp();
  const both = Promise.all([scene.slots.producersOn(scene.router), scene.slots.producersOn(scene.router)]);
  expect(await scene.worker.answerAll()).toEqual(['transport', 'produce 1', 'produce 2', 'produce 3']);
  const [first, second] = await both;
  expect(first).toBe(second);
  expect(first).toHaveLength(3);
});

test('a transport that did not open is opened by the next who asks', async () => {
  const scene = setUp();
  const failing = expect(scene.slots.producersOn(scene.router)).rejects.toThrow();
  await scene.worker.fail('transport');
  await failing;
  const producing = scene.slots.producersOn(scene.router);
  await scene.worker.answerAll();
  expect(await producing).toHaveLength(3);
  expect(scene.router.transports).toBe(1);
});

test('when one producer does not open, the others close, and the next who asks gets all', async () => {
  const scene = setUp();
  const failing = expect(scene.slots.producersOn(scene.router)).rejects.toThrow();
  await scene.worker.answer('transport');
  await scene.worker.answer('produce 3');
  await scene.worker.fail('produce 1');
  await scene.worker.answer('produce 2');
  await failing;
  expect(scene.router.producers.map(({ closed }) => closed)).toEqual([true, true]);
  const producing = scene.slots.producersOn(scene.router);
  await scene.worker.answerAll();
  expect((await producing).map(({ closed }) => closed)).toEqual([false, false, false]);
});

test.each(['slots', 'router'] as const)(
  'when %s close while the transport opens, it closes as soon as it is there',
  async (what) => {
    const scene = setUp();
    const ada = scene.microphone('ada');
    const adding = scene.slots.add('ada', ada);
    const failing = expect(scene.slots.producersOn(scene.router)).rejects.toThrow();
    scene[what].close();
    await scene.worker.answerAll();
    await Promise.all([adding, failing]);
    expect(scene.router.transports).toBe(0);
    expect([...scene.router.consumers.values(), ...scene.router.producers].every(({ closed }) => closed)).toBe(true);
    expect(scene.leases).toBe(0);
  },
);

test('a microphone that ends while its consumer opens is not read, whether the worker fails or not', async () => {
  const scene = setUp();
  const [ada, bob] = [scene.microphone('ada'), scene.microphone('bob')];
  const adding = Promise.all([scene.slots.add('ada', ada), scene.slots.add('bob', bob)]);
  await scene.worker.answer('transport');
  ada.producer.close();
  bob.producer.close();
  await scene.worker.answer('consume ada');
  await scene.worker.fail('consume bob', new Error('Producer not found'));
  await adding;
  expect(scene.router.consumers.get('ada')?.closed).toBe(true);
  expect(scene.leases).toBe(0);
});

const ends = ['slots', 'router', 'microphone'] as const;
test.each(ends.flatMap((what) => [0, 1, 2, 3, 4].map((microtasks) => [what, microtasks] as const)))(
  'the lease is released when what ends is: %s, %i microtasks after the worker has answered',
  async (what, microtasks) => {
    const scene = setUp();
    const ada = scene.microphone('ada');
    const adding = scene.slots.add('ada', ada);
    await scene.worker.answer('transport');
    const answered = scene.worker.answer('consume ada');
    for (let turn = 0; turn < microtasks; turn += 1) await undefined;
    if (what === 'microphone') {
      ada.producer.close();
      scene.router.consumers.get('ada')?.close();
    } else scene[what].close();
    await answered;
    await adding;
    expect(scene.leases).toBe(0);
    expect(scene.router.consumers.get('ada')?.closed).toBe(true);
  },
);

test('a microphone that cannot be read fails, and its lease is released', async () => {
  const scene = setUp();
  const failing = expect(scene.slots.add('ada', scene.microphone('ada'))).rejects.toThrow('no such producer');
  await scene.worker.answer('transport');
  await scene.worker.fail('consume ada', new Error('no such producer'));
  await failing;
  expect(scene.leases).toBe(0);
});

test('a lease lasts as long as its microphone is read', async () => {
  const scene = await reading('ada', 'bob');
  expect(scene.leases()).toBe(2);
  scene.router.consumers.get('ada')?.close();
  expect(scene.leases()).toBe(1);
  scene.slots.close();
  expect(scene.leases()).toBe(0);
});

test('whoever gets a slot is notified first, then everybody, and only then a packet is sent', async () => {
  const scene = await reading('ada', 'bob');
  scene.slots.onSlot('ada', () => scene.log.push(`ada: ${scene.slots.holders.indexOf('ada')}`));
  scene.slots.onSlot('bob', () => scene.log.push(`bob: ${scene.slots.holders.indexOf('bob')}`));
  scene.speak('ada', 3);
  expect(scene.log.slice(0, 3)).toEqual(['ada: 0', 'holders ada - -', 'packet in slot 0']);
  expect(new Set(scene.log.slice(3))).toEqual(new Set(['packet in slot 0']));
});

test('only those are notified whose slot is another one than before, until they stop listening', async () => {
  const scene = await reading('ada', 'bob', 'cem', 'dan');
  const changes: string[] = [];
  const stop = ['ada', 'bob', 'cem', 'dan'].map((id) =>
    scene.slots.onSlot(id, () => changes.push(`${id}: ${scene.slots.holders.indexOf(id)}`)),
  );
  for (const id of ['ada', 'bob', 'cem']) scene.speak(id, 3);
  expect(changes).toEqual(['ada: 0', 'bob: 1', 'cem: 2']);
  scene.silence(1000);
  scene.speak('dan', 3);
  expect(changes.slice(3)).toEqual(['ada: -1', 'dan: 0']);
  for (const one of stop) one();
  scene.router.consumers.get('bob')?.emit('producerpause');
  expect(scene.slots.holders).toEqual(['dan', undefined, 'cem']);
  expect(changes).toHaveLength(5);
});

test('nobody is to hear their own slot; the last one is for those who hold another', async () => {
  const scene = await reading('ada', 'bob', 'cem');
  const audible = (id: string) => [0, 1, 2].filter((slot) => scene.slots.isAudible(slot, id));
  expect(audible('ada')).toEqual([0, 1]);
  for (const id of ['ada', 'bob', 'cem']) scene.speak(id, 3);
  expect(scene.slots.holders).toEqual(['ada', 'bob', 'cem']);
  expect(['ada', 'bob', 'cem', 'silent'].map(audible)).toEqual([
    [1, 2],
    [0, 2],
    [0, 1],
    [0, 1],
  ]);
});

test('a listener that closes the slots keeps the packet from being sent', async () => {
  const scene = await reading('ada');
  scene.slots.onSlot('ada', () => scene.slots.close());
  scene.speak('ada', 5);
  expect(scene.log.filter((line) => line.startsWith('packet'))).toEqual([]);
  expect(scene.leases()).toBe(0);
});
