/**
 * Subscriptions of one peer in random orders of requests, answers, failures and time, down to single microtasks: when
 * all has settled, the client has what is wanted, and nothing else is left.
 */
import { setImmediate } from 'node:timers/promises';
import { expect, test, vi } from 'vitest';
import { type Random, randomFrom } from '../../scripts/support/random.ts';
import { AudioSubscriptions } from '../../server/room/AudioSubscriptions.ts';
import type { Demand } from '../../server/room/Demand.ts';
import { Publication } from '../../server/room/Publication.ts';
import { VideoSubscriptions } from '../../server/room/VideoSubscriptions.ts';
import type { MediaKind } from '../../shared/media.ts';
import { FakeOpener, FakeSlots } from '../support/FakeWorker.ts';
import { fakeOwnTimers } from '../support/fakeOwnTimers.ts';

fakeOwnTimers();

/** Runs `story` with so many seeds; the error of one that fails names its seed. */
async function forEachSeed(count: number, story: (random: Random) => Promise<void>): Promise<void> {
  for (let seed = 0; seed < count; seed += 1) {
    try {
      await story(randomFrom(seed));
    } catch (cause) {
      throw new Error(`seed ${seed}: ${cause}`, { cause });
    }
    vi.clearAllTimers();
  }
}

const sizes = {
  large: { width: 1280, height: 720 },
  small: { width: 200, height: 112 },
  hidden: { width: 0, height: 0 },
};

function publicationOf(peerId: string, kind: MediaKind): Publication {
  return new Publication({
    id: `track of ${peerId}`,
    peerId,
    source: kind === 'video' ? 'camera' : 'microphone',
    kind,
    mimeTypes: [],
    paused: false,
    size: sizes.large,
    layers: kind === 'video' ? 3 : 1,
    pathChanges: 0,
    location: { routerId: 'router' },
  });
}

/** A client, and the worker that it depends on. */
function setUp(random: Random) {
  const opener = new FakeOpener();
  const { worker } = opener;
  const announced = new Set<string>();
  const readied = new Set<string>();
  /** The consumers that the client has created since it was asked last: it reports each of them once. */
  const created = () => {
    const ids = [...announced].filter((id) => !readied.has(id));
    for (const id of ids) readied.add(id);
    return new Set(ids);
  };
  const events = {
    consumerOpened: ({ consumerId }: { consumerId: string }) => void announced.add(consumerId),
    consumerClosed: (consumerId: string) => expect(announced.delete(consumerId)).toBe(true),
  };
  /** A pending request that may be answered next: those of one consumer are answered in order. */
  const next = () => {
    const about = (name: string) => name.slice(name.indexOf(' '));
    const [first, ...others] = worker.pending.filter(
      (name, index, all) => all.findIndex((other) => about(other) === about(name)) === index,
    );
    return first === undefined ? undefined : random.pick([first, ...others]);
  };
  return {
    opener,
    worker,
    announced,
    created,
    events,
    answer() {
      const name = next();
      if (name !== undefined) void worker.answer(name);
    },
    fail() {
      const name = worker.pending.find((one) => /^(open|slots)/.test(one));
      if (name !== undefined) void worker.fail(name);
    },
    pass: () => vi.advanceTimersByTimeAsync(random.pick([100, 300, 2000, 6000])),
    async microtasks() {
      for (let turn = random.int(6); turn > 0; turn -= 1) await undefined;
    },
    /** The worker answers everything, failures are retried, and the client is ready for what is announced. */
    async settle(ready: (ids: ReadonlySet<string>) => Promise<unknown>) {
      for (let round = 0; round < 5; round += 1) {
        await worker.answerAll();
        await vi.advanceTimersByTimeAsync(4100);
        await worker.answerAll();
        void ready(created());
        await worker.answerAll();
      }
      expect(opener.openConsumers.map(({ id }) => id).sort()).toEqual([...announced].sort());
    },
  };
}

// They take most of a second of a core, which a busy machine may not have for a while.
const TIMEOUT = 60_000;

test(
  'a video that is shown in a size is received in it, whatever came before',
  () => forEachSeed(800, showAndHide),
  TIMEOUT,
);

async function showAndHide(random: Random): Promise<void> {
  const { opener, worker, announced, created, events, settle, ...act } = setUp(random);
  const videos = new VideoSubscriptions({ opener, events, routerId: 'router', linger: 5000, initialVideoLimit: 10 });
  const publication = publicationOf('ada', 'video');
  let demand: Demand | undefined;
  publication.onDemand((sum) => {
    demand = sum;
  });
  void videos.subscribe(publication).catch(() => {});
  const state: { shown: keyof typeof sizes; reduction: number } = { shown: 'large', reduction: 0 };
  const actions: (() => unknown)[] = [
    act.answer,
    act.answer,
    act.answer,
    act.fail,
    act.pass,
    () => setImmediate(),
    () => void videos.ready(created()),
    () => {
      state.reduction = random.int(3);
      videos.setLayerReduction(state.reduction);
    },
    () => {
      state.shown = random.pick(['large', 'small', 'hidden']);
      videos.updateTrackSettings([{ peerId: 'ada', source: 'camera', ...sizes[state.shown] }]);
    },
  ];
  for (let step = 0; step < 60; step += 1) {
    await actions[random.int(actions.length)]?.();
    await act.microtasks();
  }
  // Only where something changes: this would also apply what has been missed before.
  if (state.reduction > 0) videos.setLayerReduction(0);
  await settle((ids) => videos.ready(ids));
  const { openConsumers: open, leases } = opener;
  expect(leases).toBe(open.length);
  if (state.shown === 'hidden') expect([open.filter(({ paused }) => !paused), demand]).toEqual([[], undefined]);
  else {
    expect(open.map(({ paused }) => paused)).toEqual([false]);
    expect(demand?.keep).toBe(state.shown === 'large' ? 2 : 0);
  }
  // It may end at rest, while a consumer that is not shown lingers, or while one that could not be opened is retried.
  const end = random.pick(['rest', 'linger', 'retry']);
  const show = (size: keyof typeof sizes) =>
    videos.updateTrackSettings([{ peerId: 'ada', source: 'camera', ...sizes[size] }]);
  if (end === 'linger') {
    show('hidden');
    await worker.answerAll();
  } else if (end === 'retry') {
    opener.closeConsumersOf('ada');
    show('large');
    await worker.fail('open ada');
  }
  const timers = end === 'retry' || (end === 'linger' && state.shown !== 'hidden') ? 1 : 0;
  expect(vi.getTimerCount()).toBe(timers);
  videos.close();
  expect([opener.leases, announced.size, demand, vi.getTimerCount()]).toEqual([0, 0, undefined, 0]);
}

test(
  'everybody is heard once, by microphone or by slot, whatever came before',
  () => forEachSeed(500, changeForwarding),
  TIMEOUT,
);

async function changeForwarding(random: Random): Promise<void> {
  const { opener, worker, announced, created, events, settle, ...act } = setUp(random);
  const audio = new AudioSubscriptions({ peerId: 'eve', opener, events });
  const microphones = new Map<string, Publication>();
  const allSlots: FakeSlots[] = [];
  /** As in `AudioForwarding`: the slots by which microphones are forwarded, and those that have ended. */
  let [current, former]: (FakeSlots | undefined)[] = [];
  let published = 0;
  const closeFormer = () => {
    if (former) opener.closeConsumersOf(`${former.name} `);
    former = undefined;
  };
  const subscribeSlots = async (slots: FakeSlots, failures = 0): Promise<void> => {
    try {
      await audio.subscribeSlots(slots);
      if (!current) void audio.unsubscribeSlots();
    } catch {
      const retry = () => void (current === slots && subscribeSlots(slots, failures + 1));
      if (failures < 5) setTimeout(retry, 250);
    }
  };
  const replace = async (slots: FakeSlots) => {
    await Promise.allSettled([...microphones.values()].map((microphone) => audio.subscribe(microphone)));
    if (former !== slots) return;
    await audio.unsubscribeSlots();
    if (former === slots) closeFormer();
  };
  const publish = () => {
    if (microphones.size === 4) return;
    published += 1;
    const microphone = publicationOf(`peer ${published}`, 'audio');
    microphones.set(`peer ${published}`, microphone);
    if (!current) void audio.subscribe(microphone).catch(() => {});
  };
  const unpublish = () => {
    const [oldest] = microphones;
    if (!oldest) return;
    microphones.delete(oldest[0]);
    oldest[1].close();
    opener.closeConsumersOf(`${oldest[0]}#`);
  };
  const beginOrEndSlots = () => {
    closeFormer();
    if (current) {
      former = current;
      current = undefined;
      void replace(former);
    } else {
      current = new FakeSlots(`slots ${allSlots.length}`, 2);
      allSlots.push(current);
      void subscribeSlots(current);
    }
  };
  const actions: (() => unknown)[] = [
    act.answer,
    act.answer,
    act.answer,
    act.fail,
    act.pass,
    () => setImmediate(),
    () => void audio.ready(created()),
    () => void audio.ready(created()),
    () => current?.hold(random.pick(['eve', undefined]), undefined),
    publish,
    publish,
    unpublish,
    beginOrEndSlots,
  ];
  for (let step = 0; step < 60; step += 1) {
    await actions[random.int(actions.length)]?.();
    await act.microtasks();
  }
  await settle((ids) => audio.ready(ids));
  const received = opener.openConsumers.map(({ id, paused }) => [id.replace(/#.*/, ''), paused] as const);
  const wanted = current
    ? [0, 1].map((slot) => [`${current?.name} ${slot}`, !current?.isAudible(slot, 'eve')] as const)
    : [...microphones.keys()].map((peerId) => [peerId, false] as const);
  expect(new Map(received)).toEqual(new Map(wanted));
  expect(received).toHaveLength(wanted.length);
  expect(opener.leases).toBe(current ? 0 : wanted.length);
  audio.unsubscribeAll();
  expect([opener.leases, announced.size]).toEqual([0, 0]);
  expect(allSlots.map(({ listeners }) => listeners)).toEqual(allSlots.map(() => 0));
}
