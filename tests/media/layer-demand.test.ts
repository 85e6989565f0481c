/**
 * Tests of layer demand with real media: layers follow tile sizes, hidden video is not sent, and the publisher stops.
 */
import { describe, expect, vi } from 'vitest';
import type { Member } from '../../scripts/support/endpoint/Member.ts';
import { layers, received, spread, test, untilReceiving, untilStable } from '../support/headlessMembers.ts';

const camera = { tracks: { camera: layers } };
const thumbnail = { width: 200, height: 112 };
const large = { width: 1280, height: 720 };
const unseen = { width: 0, height: 0 };

/** Packets that a publisher has sent, lowest layer first. */
function sent(publisher: Member): number[] {
  return publisher.media.tracks.get('camera')?.map(({ packets }) => packets) ?? [];
}

/** Whether each layer is being sent. */
async function running(publisher: Member): Promise<boolean[]> {
  const before = sent(publisher);
  // 15 frames a second: an active layer has sent one by then.
  await vi
    .waitUntil(() => sent(publisher).some((packets, layer) => packets > (before[layer] ?? 0) + 3), {
      timeout: 2000,
      interval: 10,
    })
    .catch(() => {});
  return sent(publisher).map((packets, layer) => packets > (before[layer] ?? 0));
}

/** Packets a second that a viewer receives. */
async function rate(viewer: Member, publisher: Member): Promise<number> {
  const [packets, time] = [received(viewer, publisher.peerId), performance.now()];
  await untilReceiving(viewer, publisher.peerId, 'camera', 15);
  return ((received(viewer, publisher.peerId) - packets) * 1000) / (performance.now() - time);
}

const show = (viewer: Member, publisher: Member, size: { width: number; height: number }) =>
  viewer.updateTrackSettings([{ peerId: publisher.peerId, source: 'camera', ...size }]);

describe.concurrent.each([
  ['one worker', {}],
  ['two workers', spread],
] as const)('across %s', (_, environment) => {
  test('a publisher without viewers sends no video, and resumes with the first viewer', async ({ open }) => {
    const { enter } = await open(environment, { layerLinger: { fresh: 500, none: 500 } });
    const publisher = await enter('publisher', camera);
    await untilStable(() => sent(publisher).reduce((sum, packets) => sum + packets, 0), 500);
    const viewer = await enter('viewer');
    await untilReceiving(viewer, publisher.peerId);
    viewer.leave();
    await untilStable(() => sent(publisher).reduce((sum, packets) => sum + packets, 0), 500);
  });

  test('a thumbnail receives the lowest layer, the only one sent; a large tile receives the highest', async ({
    open,
  }) => {
    const { enter } = await open(environment, { layerLinger: { fresh: 500, upper: 1000 } });
    const publisher = await enter('publisher', camera);
    const viewer = await enter('viewer');
    await untilReceiving(viewer, publisher.peerId);
    await show(viewer, publisher, thumbnail);
    await vi.waitUntil(async () => (await running(publisher)).join() === 'true,false,false', { timeout: 18_000 });
    // The lowest layer has one packet per frame.
    await vi.waitUntil(async () => Math.abs((await rate(viewer, publisher)) - 15) < 3, { timeout: 8000 });
    await show(viewer, publisher, large);
    await vi.waitUntil(() => publisher.media.tracks.get('camera')?.every(({ watched }) => watched));
    // Only the highest layer has three packets per frame.
    await vi.waitUntil(async () => Math.abs((await rate(viewer, publisher)) - 45) < 9, { timeout: 10_000 });
  });

  test('viewers with different tile sizes receive different layers', async ({ open }) => {
    const { enter } = await open(environment);
    const publisher = await enter('publisher', camera);
    const [small, big] = [await enter('small'), await enter('big')];
    await show(small, publisher, thumbnail);
    await show(big, publisher, large);
    const rates = () => Promise.all([rate(small, publisher), rate(big, publisher)]);
    await vi.waitUntil(
      async () => {
        const [low, high] = await rates();
        return Math.abs(low - 15) < 3 && Math.abs(high - 45) < 9;
      },
      { timeout: 10_000 },
    );
    expect(await running(publisher)).toEqual([true, true, true]);
    const video = { peerId: publisher.peerId, source: 'camera' };
    expect(await small.getConsumerLayers()).toEqual([{ ...video, spatialLayer: 0, temporalLayer: 0 }]);
    expect(await big.getConsumerLayers()).toEqual([{ ...video, spatialLayer: 2, temporalLayer: 0 }]);
    await show(small, publisher, unseen);
    await vi.waitUntil(async () => (await small.getConsumerLayers()).length === 0);
  });

  test('hidden video is not sent; shown again soon, it continues on the same consumer', async ({ open }) => {
    const { enter } = await open(environment);
    const publisher = await enter('publisher', camera);
    const viewer = await enter('viewer');
    await untilReceiving(viewer, publisher.peerId);
    const consumers = viewer.media.all.map(({ info }) => info.consumerId);
    await show(viewer, publisher, unseen);
    await untilStable(() => received(viewer, publisher.peerId), 500);
    await show(viewer, publisher, large);
    await untilReceiving(viewer, publisher.peerId);
    expect(viewer.media.all.map(({ info }) => info.consumerId)).toEqual(consumers);
  });

  test('video that is hidden for long loses its consumer; shown again, it has another one', async ({ open }) => {
    const { enter } = await open(environment, { consumerLinger: 1000 });
    const publisher = await enter('publisher', camera);
    const viewer = await enter('viewer');
    await untilReceiving(viewer, publisher.peerId);
    await show(viewer, publisher, unseen);
    await vi.waitUntil(() => viewer.media.receivers.size === 0, { timeout: 15_000, interval: 50 });
    await show(viewer, publisher, large);
    await untilReceiving(viewer, publisher.peerId);
    expect(viewer.media.receivers.size).toBe(1);
  });

  test('a limit of two initial videos gives two cameras, and others on request', async ({ open }) => {
    const { enter } = await open(environment);
    const publishers = [];
    for (const name of ['a', 'b', 'c', 'd']) publishers.push(await enter(name, { ...camera, receives: false }));
    const viewer = await enter('viewer', { initialVideoLimit: 2 });
    const [first, second, third] = publishers;
    if (!first || !second || !third) throw new Error('too few');
    await Promise.all([untilReceiving(viewer, first.peerId), untilReceiving(viewer, second.peerId)]);
    expect(viewer.media.receivers.size).toBe(2);
    await show(viewer, third, large);
    await untilReceiving(viewer, third.peerId);
    expect(viewer.media.receivers.size).toBe(3);
  });
});
