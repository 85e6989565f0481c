/** Subscriptions to audio, in every order in which a worker can answer: everybody is heard once, and nobody hears themselves. */
import { setImmediate } from 'node:timers/promises';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { AudioSubscriptions } from '../../server/room/AudioSubscriptions.ts';
import { Publication } from '../../server/room/Publication.ts';
import { FakeOpener, FakeSlots } from '../support/FakeWorker.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

/** What Eve receives. */
function setUp() {
  const opener = new FakeOpener();
  const events: string[] = [];
  const audio = new AudioSubscriptions({
    peerId: 'eve',
    opener,
    events: {
      consumerOpened: ({ consumerId }) => events.push(`opened ${consumerId}`),
      consumerClosed: (consumerId) => events.push(`closed ${consumerId}`),
    },
  });
  const { worker } = opener;
  const ready = async (...ids: string[]) => {
    const readying = audio.ready(new Set(ids));
    await worker.answerAll();
    return readying;
  };
  return {
    opener,
    worker,
    audio,
    events,
    ready,
    microphone: (peerId: string) =>
      new Publication({
        id: `track of ${peerId}`,
        peerId,
        source: 'microphone',
        kind: 'audio',
        mimeTypes: ['audio/opus'],
        paused: false,
        size: { width: 0, height: 0 },
        layers: 1,
        pathChanges: 0,
        location: { routerId: 'router' },
      }),
    /** Ids of the consumers that the client has, by what it was notified of. */
    get announced(): string[] {
      const ids = new Set<string>();
      for (const event of events) {
        const [what, id = ''] = [event.split(' ')[0], event.slice(event.indexOf(' ') + 1)];
        if (what === 'opened') ids.add(id);
        else ids.delete(id);
      }
      return [...ids];
    },
    /** Those of them that are sent. */
    get audible(): string[] {
      return this.announced.filter((id) => !opener.consumer(id).paused);
    },
    pass: (milliseconds: number) => vi.advanceTimersByTimeAsync(milliseconds),
  };
}

/** Eve has slots for two talkers, and one more, in which nobody speaks. */
async function withSlots() {
  const scene = setUp();
  const slots = new FakeSlots('slots', 3);
  const subscribed = scene.audio.subscribeSlots(slots);
  await scene.worker.answerAll();
  await subscribed;
  await scene.ready(...scene.announced);
  return { ...scene, slots, audible: () => scene.audible, announced: () => scene.announced };
}

test('a microphone that is offered twice while it opens is opened once', async () => {
  const scene = setUp();
  const ada = scene.microphone('ada');
  const subscribed = Promise.all([scene.audio.subscribe(ada), scene.audio.subscribe(ada)]);
  expect(scene.worker.pending).toEqual(['open ada']);
  await scene.worker.answerAll();
  await subscribed;
  expect(scene.events).toEqual(['opened ada#1']);
  expect(await scene.ready('ada#1', 'of somebody else')).toBe(1);
  expect(scene.audible).toEqual(['ada#1']);
});

test('a microphone that is unsubscribed from while it opens is never announced, and can be offered again at once', async () => {
  const scene = setUp();
  const ada = scene.microphone('ada');
  const first = scene.audio.subscribe(ada);
  scene.audio.unsubscribeAll();
  const second = scene.audio.subscribe(ada);
  expect(scene.worker.pending).toEqual(['open ada', 'open ada']);
  await scene.worker.answerAll();
  await Promise.all([first, second]);
  expect(scene.events).toEqual(['opened ada#2']);
  expect(scene.opener.consumer('ada#1').closed).toBe(true);
  expect(scene.opener.leases).toBe(1);
});

test.each([0, 1, 2, 3, 4, 5, 6])(
  'a microphone whose transport closes %i microtasks after the worker has answered holds no lease',
  async (microtasks) => {
    const scene = setUp();
    void scene.audio.subscribe(scene.microphone('ada'));
    const answered = scene.worker.answer('open ada');
    for (let turn = 0; turn < microtasks; turn += 1) await undefined;
    // As mediasoup does: the consumers that there are close before their transport.
    for (const consumer of scene.opener.consumers.values()) consumer.close();
    scene.audio.close();
    await answered;
    expect(scene.opener.leases).toBe(0);
    expect(scene.announced).toEqual([]);
    expect(scene.audio.consumers).toEqual([]);
  },
);

test('a microphone that did not open is opened a little later, unless it comes by slots by then', async () => {
  const scene = setUp();
  const [ada, bob] = [scene.microphone('ada'), scene.microphone('bob')];
  const failing = [scene.audio.subscribe(ada), scene.audio.subscribe(bob)].map((one) => expect(one).rejects.toThrow());
  await scene.worker.fail('open ada');
  await scene.pass(250);
  expect(scene.worker.pending).toEqual(['open bob', 'open ada']);
  await scene.worker.answer('open ada');
  await scene.worker.fail('open bob');
  await Promise.all(failing);
  void scene.audio.subscribeSlots(new FakeSlots('slots', 2));
  await scene.worker.answerAll();
  await scene.pass(60_000);
  expect(scene.worker.pending).toEqual([]);
  expect(scene.events).toEqual(['opened ada#1', 'opened slots 0#1', 'opened slots 1#1']);
});

test('microphones are heard until the client has all slots', async () => {
  const scene = setUp();
  void scene.audio.subscribe(scene.microphone('ada'));
  await scene.worker.answerAll();
  await scene.ready('ada#1');
  const subscribed = scene.audio.subscribeSlots(new FakeSlots('slots', 2));
  await scene.worker.answerAll();
  await subscribed;
  await scene.ready('slots 0#1');
  expect(scene.announced).toEqual(['ada#1', 'slots 0#1', 'slots 1#1']);
  await scene.ready('slots 1#1');
  expect(scene.announced).toEqual(['slots 0#1', 'slots 1#1']);
});

test('slots are heard until the client has all microphones', async () => {
  const scene = await withSlots();
  for (const name of ['ada', 'bob']) void scene.audio.subscribe(scene.microphone(name));
  await scene.worker.answerAll();
  let unsubscribed = false;
  const unsubscribing = scene.audio.unsubscribeSlots().then(() => {
    unsubscribed = true;
  });
  await scene.ready('ada#1');
  expect(scene.announced()).toHaveLength(5);
  expect(unsubscribed).toBe(false);
  await scene.ready('bob#1');
  await unsubscribing;
  expect(scene.announced()).toEqual(['ada#1', 'bob#1']);
  expect(scene.slots.listeners).toBe(0);
});

test('microphones that are offered because the slots have ended stay, although the request to unsubscribe is yet to come', async () => {
  const scene = await withSlots();
  void scene.audio.subscribe(scene.microphone('ada'));
  await scene.worker.answerAll();
  await scene.ready('ada#1');
  expect(scene.announced()).toContain('ada#1');
});

test('a microphone that is offered because slots have ended, and did not open, is opened a little later', async () => {
  const { audio, worker, microphone, announced, pass } = await withSlots();
  const failing = expect(audio.subscribe(microphone('ada'))).rejects.toThrow();
  await worker.fail('open ada');
  await failing;
  // The request to unsubscribe from the slots comes when everybody has all microphones.
  await pass(250);
  expect(await worker.answerAll()).toEqual(['open ada']);
  expect(announced()).toContain('ada#1');
});

test('microphones that are offered because slots have ended stay until she has the slots that begin meanwhile', async () => {
  const { audio, worker, ready, microphone, announced, audible, opener } = await withSlots();
  const subscribed = audio.subscribe(microphone('ada'));
  await worker.answerAll();
  await subscribed;
  const failing = expect(audio.subscribeSlots(new FakeSlots('others', 2))).rejects.toThrow();
  // The former slots end as soon as others begin.
  for (const { id } of [...opener.consumers.values()].filter(({ kind, id }) => kind === 'audio' && id !== 'ada#1')) {
    opener.consumer(id).close();
  }
  const readying = ready('ada#1');
  await worker.fail('slots of others');
  await Promise.all([failing, readying]);
  expect(audible()).toEqual(['ada#1']);
  const others = audio.subscribeSlots(new FakeSlots('others', 2));
  await worker.answerAll();
  await others;
  expect(audible()).toEqual(['ada#1']);
  await ready('others 0#1', 'others 1#1');
  expect(announced()).toEqual(['others 0#1', 'others 1#1']);
});

test('slots that are replaced while they open are never announced, whenever the worker answers', async () => {
  const scene = setUp();
  const [first, second] = [new FakeSlots('first', 2), new FakeSlots('second', 2)];
  const replaced = scene.audio.subscribeSlots(first);
  await scene.worker.answer('slots of first');
  const wanted = scene.audio.subscribeSlots(second);
  await scene.worker.answer('slots of second');
  for (const slot of ['second 1', 'first 0', 'second 0', 'first 1']) await scene.worker.answer(`open ${slot}`);
  await Promise.all([replaced, wanted]);
  expect(scene.events).toEqual(['opened second 1#1', 'opened second 0#1']);
  expect(first.listeners).toBe(0);
});

test('slots that are unsubscribed from while they open close, and nobody waits for them', async () => {
  const scene = setUp();
  const slots = new FakeSlots('slots', 2);
  const subscribed = scene.audio.subscribeSlots(slots);
  await scene.worker.answer('slots of slots');
  await scene.worker.answer('open slots 0');
  await scene.audio.unsubscribeSlots();
  await scene.worker.answer('open slots 1');
  await subscribed;
  expect(scene.events).toEqual(['opened slots 0#1', 'closed slots 0#1']);
  expect(scene.opener.consumer('slots 1#1').closed).toBe(true);
});

test('when one slot does not open, the others close, and the same slots can be subscribed to again', async () => {
  const scene = setUp();
  const slots = new FakeSlots('slots', 2);
  const failing = expect(scene.audio.subscribeSlots(slots)).rejects.toThrow();
  await scene.worker.answer('slots of slots');
  await scene.worker.fail('open slots 0');
  await scene.worker.answer('open slots 1');
  await failing;
  expect(scene.announced).toEqual([]);
  expect(slots.listeners).toBe(0);
  const again = scene.audio.subscribeSlots(slots);
  await scene.worker.answerAll();
  await again;
  expect(scene.announced).toEqual(['slots 0#1', 'slots 1#2']);
});

test('whoever subscribes to the same slots twice waits for the same consumers', async () => {
  const scene = setUp();
  const slots = new FakeSlots('slots', 2);
  const subscribed = Promise.all([scene.audio.subscribeSlots(slots), scene.audio.subscribeSlots(slots)]);
  expect(await scene.worker.answerAll()).toEqual(['slots of slots', 'open slots 0', 'open slots 1']);
  await subscribed;
});

test('the slot that carries her own voice is paused before the worker is asked anything else, and the last one takes its place', async () => {
  const scene = await withSlots();
  expect(scene.audible()).toEqual(['slots 0#1', 'slots 1#1']);
  scene.slots.hold('ada', 'eve', undefined);
  // Requested at once, in the same turn: no packet that is written to the slot afterwards can overtake it.
  expect(scene.worker.pending).toEqual(['pause slots 1#1', 'resume slots 2#1']);
  await scene.worker.answerAll();
  expect(scene.audible()).toEqual(['slots 0#1', 'slots 2#1']);
  scene.slots.hold('eve', 'ada', undefined);
  await scene.worker.answerAll();
  expect(scene.audible()).toEqual(['slots 1#1', 'slots 2#1']);
  scene.slots.hold('bob', 'ada', 'eve');
  await scene.worker.answerAll();
  expect(scene.audible()).toEqual(['slots 0#1', 'slots 1#1']);
  scene.slots.hold('bob', 'ada', undefined);
  expect(await scene.worker.answerAll()).toEqual([]);
});

test('a slot that she holds already, or gets while it opens, is not sent to her when she is ready', async () => {
  const scene = setUp();
  const slots = new FakeSlots('slots', 3);
  slots.hold('eve', undefined, undefined);
  const subscribed = scene.audio.subscribeSlots(slots);
  await scene.worker.answer('slots of slots');
  await scene.worker.answer('open slots 0');
  await scene.worker.answer('open slots 2');
  // The client is ready for each as soon as it is announced.
  expect(await scene.ready('slots 0#1', 'slots 2#1')).toBe(2);
  expect(scene.announced).toEqual(['slots 0#1', 'slots 2#1', 'slots 1#1']);
  expect(scene.audible).toEqual(['slots 2#1']);
  slots.hold(undefined, 'eve', undefined);
  await scene.worker.answerAll();
  await subscribed;
  await scene.ready('slots 1#1');
  expect(scene.audible).toEqual(['slots 0#1', 'slots 2#1']);
});

test('after she has left she listens to no slots any more, whatever was opening', async () => {
  const scene = await withSlots();
  const others = new FakeSlots('others', 2);
  void scene.audio.subscribeSlots(others);
  await scene.worker.answer('slots of others');
  scene.audio.close();
  await scene.worker.answerAll();
  await setImmediate();
  expect(scene.slots.listeners + others.listeners).toBe(0);
  expect([...scene.opener.consumers.values()].every(({ closed }) => closed)).toBe(true);
});

test.each([0, 1, 2, 3, 4, 5, 6, 7, 8])(
  'slots that are unsubscribed from %i microtasks after the worker has answered are closed once she has the microphones',
  async (microtasks) => {
    const scene = setUp();
    const slots = new FakeSlots('slots', 1);
    const subscribed = scene.audio.subscribeSlots(slots);
    await scene.worker.answer('slots of slots');
    const answered = scene.worker.answer('open slots 0');
    for (let turn = 0; turn < microtasks; turn += 1) await undefined;
    const unsubscribed = scene.audio.unsubscribeSlots();
    await answered;
    await Promise.all([subscribed, unsubscribed]);
    expect(scene.announced).toEqual([]);
    expect(slots.listeners).toBe(0);
  },
);

test.each([0, 1, 2, 3, 4, 5, 6, 7, 8])(
  'slots that others replace %i microtasks after the worker has answered close when she has the others',
  async (microtasks) => {
    const scene = setUp();
    const [first, second] = [new FakeSlots('first', 2), new FakeSlots('second', 2)];
    void scene.audio.subscribeSlots(first);
    await scene.worker.answer('slots of first');
    await scene.worker.answer('open first 1');
    const answered = scene.worker.answer('open first 0');
    for (let turn = 0; turn < microtasks; turn += 1) await undefined;
    const subscribed = scene.audio.subscribeSlots(second);
    await answered;
    await scene.worker.answerAll();
    await subscribed;
    await scene.ready('second 0#1', 'second 1#1');
    expect(scene.announced).toEqual(['second 0#1', 'second 1#1']);
    expect(scene.audible).toEqual(['second 0#1']);
    expect(first.listeners).toBe(0);
  },
);
