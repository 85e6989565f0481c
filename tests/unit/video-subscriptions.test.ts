/** Subscriptions to videos, in every order in which a worker can answer: what is shown arrives, once, in the right layer. */
import { setImmediate } from 'node:timers/promises';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import type { Demand } from '../../server/room/Demand.ts';
import { Publication } from '../../server/room/Publication.ts';
import { VideoSubscriptions } from '../../server/room/VideoSubscriptions.ts';
import { WeirError } from '../../shared/errors.ts';
import type { TrackSettings } from '../../shared/protocol.ts';
import { FakeOpener } from '../support/FakeWorker.ts';

const LINGER = 5000;
const large = { width: 1280, height: 720 };
const small = { width: 200, height: 112 };
const hidden = { width: 0, height: 0 };

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

function setUp({ initialVideoLimit = 10 } = {}) {
  const opener = new FakeOpener();
  const events: string[] = [];
  const videos = new VideoSubscriptions({
    opener,
    routerId: 'router',
    linger: LINGER,
    initialVideoLimit,
    events: {
      consumerOpened: ({ consumerId }) => events.push(`opened ${consumerId}`),
      consumerClosed: (consumerId) => events.push(`closed ${consumerId}`),
    },
  });
  return {
    opener,
    worker: opener.worker,
    videos,
    events,
    publish(peerId: string) {
      const publication = new Publication({
        id: `track of ${peerId}`,
        peerId,
        source: 'camera',
        kind: 'video',
        mimeTypes: ['video/VP8'],
        paused: false,
        size: large,
        layers: 3,
        pathChanges: 0,
        location: { routerId: 'router' },
      });
      const demands: (Demand | undefined)[] = [];
      publication.onDemand((demand) => demands.push(demand));
      const subscribed = videos.subscribe(publication).catch((error: unknown) => error);
      return { publication, demands, subscribed };
    },
    /** How that peer's camera is shown from now on. */
    async show(peerId: string, size: Pick<TrackSettings, 'width' | 'height'>) {
      videos.updateTrackSettings([{ peerId, source: 'camera', ...size }]);
      await setImmediate();
    },
    async ready(...ids: string[]) {
      const ready = videos.ready(new Set(ids));
      await setImmediate();
      return ready;
    },
    pass: (milliseconds: number) => vi.advanceTimersByTimeAsync(milliseconds),
  };
}

/** A camera that is shown large, and is being received. */
async function shown() {
  const scene = setUp();
  const { publication, demands } = scene.publish('ada');
  await scene.show('ada', large);
  await scene.worker.answerAll();
  const ready = scene.ready('ada#1');
  await scene.worker.answerAll();
  await ready;
  expect(scene.opener.consumer('ada#1').paused).toBe(false);
  return { ...scene, publication, demands };
}

test('a video that is published twice at the same time is opened once', async () => {
  const scene = setUp();
  const { publication } = scene.publish('ada');
  void scene.videos.subscribe(publication);
  expect(scene.worker.pending).toEqual(['open ada']);
  await scene.worker.answerAll();
  expect(scene.events).toEqual(['opened ada#1']);
});

test('a video that is hidden while it opens is announced, never resumed, and closes after the linger', async () => {
  const scene = setUp();
  scene.publish('ada');
  await scene.show('ada', hidden);
  await scene.worker.answer('open ada');
  const ready = scene.ready('ada#1');
  expect(await scene.worker.answerAll()).toEqual([]);
  expect(await ready).toBe(1);
  await scene.pass(LINGER - 1);
  expect(scene.events).toEqual(['opened ada#1']);
  await scene.pass(1);
  expect(scene.events).toEqual(['opened ada#1', 'closed ada#1']);
  expect(scene.opener.leases).toBe(0);
});

test('a video that is shown again while it lingers goes on with the same consumer', async () => {
  const scene = await shown();
  await scene.show('ada', hidden);
  expect(await scene.worker.answerAll()).toEqual(['pause ada#1']);
  await scene.pass(LINGER - 1);
  await scene.show('ada', large);
  expect(await scene.worker.answerAll()).toEqual(['resume ada#1']);
  await scene.pass(2 * LINGER);
  expect(scene.events).toEqual(['opened ada#1']);
});

test('a video that is shown again while it is being paused is resumed', async () => {
  const scene = await shown();
  await scene.show('ada', hidden);
  await scene.show('ada', large);
  expect(scene.worker.pending).toEqual(['pause ada#1']);
  expect(await scene.worker.answerAll()).toEqual(['pause ada#1', 'resume ada#1']);
});

test.each([0, 1, 2, 3, 4, 5, 6])(
  'a client that is ready %i microtasks after it has reported how it shows a video receives it',
  async (microtasks) => {
    const scene = setUp();
    scene.publish('ada');
    await scene.worker.answer('open ada');
    scene.videos.updateTrackSettings([{ peerId: 'ada', source: 'camera', ...large }]);
    for (let turn = 0; turn < microtasks; turn += 1) await undefined;
    const ready = scene.videos.ready(new Set(['ada#1']));
    expect(await scene.worker.answerAll()).toEqual(['resume ada#1']);
    expect(await ready).toBe(1);
  },
);

test('what changes while a video opens is applied before it is resumed', async () => {
  const scene = setUp();
  scene.publish('ada');
  await scene.show('ada', small);
  await scene.worker.answer('open ada');
  const ready = scene.ready('ada#1');
  expect(await scene.worker.answerAll()).toEqual(['layer 0 ada#1', 'resume ada#1']);
  await ready;
});

test('a publisher may stop a layer only when the consumer has left it, and starts one at once', async () => {
  const scene = await shown();
  await scene.show('ada', small);
  expect(scene.demands.at(-1)).toMatchObject({ keep: 2 });
  await scene.worker.answer('layer 0 ada#1');
  expect(scene.demands.at(-1)).toMatchObject({ keep: 0 });
  await scene.show('ada', large);
  expect(scene.worker.pending).toEqual(['layer 2 ada#1']);
  expect(scene.demands.at(-1)).toMatchObject({ start: 2 });
});

test('only the last of several changes is applied, once the worker has answered the first', async () => {
  const scene = await shown();
  await scene.show('ada', { width: 500, height: 280 });
  await scene.show('ada', large);
  await scene.show('ada', small);
  expect(await scene.worker.answerAll()).toEqual(['layer 1 ada#1', 'layer 0 ada#1']);
});

test('congestion pauses a video, takes layers off and resumes it; the publisher goes on for others', async () => {
  const scene = await shown();
  scene.videos.setLayerReduction(1);
  expect(await scene.worker.answerAll()).toEqual(['pause ada#1', 'layer 1 ada#1', 'resume ada#1']);
  expect(scene.demands.at(-1)).toMatchObject({ start: 2 });
  scene.videos.setLayerReduction(0);
  expect(await scene.worker.answerAll()).toEqual(['layer 2 ada#1']);
});

test('a track that ends while its consumer opens is never announced, and its lease is released', async () => {
  const scene = setUp();
  const { publication, demands, subscribed } = scene.publish('ada');
  publication.close();
  await scene.worker.answer('open ada');
  await subscribed;
  expect(scene.events).toEqual([]);
  expect(scene.opener.consumer('ada#1').closed).toBe(true);
  expect(scene.opener.leases).toBe(0);
  expect(demands).toHaveLength(1);
});

test('a track that ends is closed without a request, and demands nothing any more', async () => {
  const scene = await shown();
  scene.publication.close();
  expect(scene.events).toEqual(['opened ada#1', 'closed ada#1']);
  expect(scene.opener.leases).toBe(0);
  // The consumer is closed by the worker, not by a request.
  expect(scene.opener.consumer('ada#1').closed).toBe(false);
  await scene.pass(60_000);
  expect(scene.worker.pending).toEqual([]);
});

test('a peer that leaves releases everything, also what is still opening, and stays no listener of the track', async () => {
  const scene = await shown();
  scene.publish('bob');
  scene.videos.close();
  expect(scene.demands.at(-1)).toBeUndefined();
  await scene.worker.answer('open bob');
  expect(scene.events).toEqual(['opened ada#1', 'closed ada#1']);
  expect([...scene.opener.consumers.values()].every(({ closed }) => closed)).toBe(true);
  expect(scene.opener.leases).toBe(0);
  scene.publication.update({ size: small, layers: 1 });
  scene.publication.close();
  expect(await scene.worker.answerAll()).toEqual([]);
});

test('a video that did not open is opened a little later, unless it is hidden by then', async () => {
  const scene = setUp();
  const { subscribed } = scene.publish('ada');
  await scene.worker.fail('open ada');
  expect(await subscribed).toBeInstanceOf(WeirError);
  await scene.pass(249);
  expect(scene.worker.pending).toEqual([]);
  await scene.pass(1);
  await scene.worker.fail('open ada');
  await scene.show('ada', hidden);
  await scene.pass(10_000);
  expect(scene.worker.pending).toEqual([]);
  await scene.show('ada', large);
  expect(await scene.worker.answerAll()).toEqual(['open ada']);
  expect(scene.events).toEqual(['opened ada#1']);
});

test('a video that is hidden while its last attempt to open fails is not demanded, and is tried as often when shown again', async () => {
  const scene = setUp();
  const { demands } = scene.publish('ada');
  for (const delay of [250, 500, 1000, 2000, 4000]) {
    await scene.worker.fail('open ada');
    await scene.pass(delay);
  }
  await scene.show('ada', hidden);
  await scene.worker.fail('open ada');
  expect(demands.at(-1)).toBeUndefined();
  await scene.show('ada', large);
  await scene.worker.fail('open ada');
  await scene.pass(250);
  expect(scene.worker.pending).toEqual(['open ada']);
});

test('a video whose consumer has ended in the worker is opened again only when it is retargeted', async () => {
  const scene = await shown();
  scene.opener.consumer('ada#1').close();
  expect(scene.events.at(-1)).toBe('closed ada#1');
  expect(scene.opener.leases).toBe(0);
  await scene.show('ada', small);
  await scene.worker.answer('open ada');
  // The client has not created its end of the new consumer: it stays paused.
  expect(await scene.worker.answerAll()).toEqual([]);
  expect(scene.opener.consumer('ada#2').paused).toBe(true);
});

test('as many cameras as the limit are opened before the client reports anything; a report opens others', async () => {
  const scene = setUp({ initialVideoLimit: 1 });
  scene.publish('ada');
  scene.publish('bob');
  expect(await scene.worker.answerAll()).toEqual(['open ada']);
  await scene.show('bob', small);
  expect(await scene.worker.answerAll()).toEqual(['open bob']);
});

test('a track with another size is received in the layer that is enough for it', async () => {
  const scene = await shown();
  await scene.show('ada', { width: 320, height: 180 });
  expect(await scene.worker.answerAll()).toEqual(['layer 0 ada#1']);
  scene.publication.update({ size: { width: 320, height: 180 }, layers: 3 });
  expect(await scene.worker.answerAll()).toEqual(['layer 2 ada#1']);
});

test('a video whose publisher has moved to another network path gets a key frame, unless it is not shown', async () => {
  const { publication, show, worker } = await shown();
  publication.update({ pathChanges: 1 });
  expect(await worker.answerAll()).toEqual(['key frame ada#1']);
  await show('ada', hidden);
  await worker.answerAll();
  publication.update({ pathChanges: 2 });
  expect(await worker.answerAll()).toEqual([]);
});
