/** How a large room sends presence events: in batches, in order, and without what is over already. */
import { describe, expect, test, vi } from 'vitest';
import { BatchTimer } from '../../server/room/BatchTimer.ts';
import { EventBatcher } from '../../server/room/EventBatcher.ts';
import type { PeerInfo } from '../../shared/protocol.ts';
import { fakeOwnTimers } from '../support/fakeOwnTimers.ts';

const info = (peerId: string): PeerInfo => ({
  peerId,
  identity: peerId,
  name: peerId,
  sources: {},
  hand: false,
  away: false,
  canExchangeData: true,
});

/** A batcher in a room of that size, and what it has sent. */
function batcherOf(size: number) {
  const sent: [string, unknown][] = [];
  const batchTimer = new BatchTimer(() => size);
  const batcher = new EventBatcher((event, data) => sent.push([event, data]), batchTimer);
  batcher.open();
  return { batcher, sent, batchTimer };
}

test('a small room sends them at the end of the turn', async () => {
  const { batcher, sent } = batcherOf(16);
  batcher.notify('newPeer', info('ann'));
  batcher.notify('peerClosed', { peerId: 'ann', reason: 'left' });
  await new Promise(setImmediate);
  expect(sent.map(([event]) => event)).toEqual(['newPeer', 'peerClosed']);
});

test('a large room sends one batch: the latest state of each peer, and nobody who has left again', async () => {
  const { batcher, sent } = batcherOf(17);
  const began = performance.now();
  batcher.notify('newPeer', info('ann'));
  batcher.notify('newPeer', info('bob'));
  batcher.notify('peerSources', { peerId: 'ann', sources: { camera: 'live' } });
  batcher.notify('peerSources', { peerId: 'cem', sources: { camera: 'live' } });
  batcher.notify('peerSources', { peerId: 'cem', sources: {} });
  batcher.notify('peerHand', { peerId: 'cem', raised: true });
  batcher.notify('peerClosed', { peerId: 'bob', reason: 'left' });
  batcher.notify('peerAway', { peerId: 'dan', away: true });
  batcher.notify('peerClosed', { peerId: 'dan', reason: 'left' });
  batcher.notify('peerAway', { peerId: 'eve', away: true });
  batcher.notify('peerAway', { peerId: 'eve', away: false });
  batcher.notify('peerGrants', { peerId: 'ann', canExchangeData: false });
  batcher.notify('peerGrants', { peerId: 'fay', canExchangeData: true });
  batcher.notify('peerGrants', { peerId: 'fay', canExchangeData: false });
  batcher.notify('peerInfo', { peerId: 'ann', name: 'Ann' });
  batcher.notify('peerInfo', { peerId: 'gil', name: 'Gil', metadata: 'a' });
  batcher.notify('peerInfo', { peerId: 'gil', name: 'Gil', metadata: undefined });
  batcher.notify('peerVideoProblem', { peerId: 'ann', problem: 'bFrames' });
  batcher.notify('peerVideoProblem', { peerId: 'eve', problem: 'bFrames' });
  await vi.waitUntil(() => sent.length > 0);
  expect(performance.now() - began).toBeGreaterThan(200);
  expect(sent).toEqual([
    [
      'newPeer',
      {
        ...info('ann'),
        name: 'Ann',
        metadata: undefined,
        sources: { camera: 'live' },
        canExchangeData: false,
        videoProblem: 'bFrames',
      },
    ],
    ['peerSources', { peerId: 'cem', sources: {} }],
    ['peerHand', { peerId: 'cem', raised: true }],
    ['peerClosed', { peerId: 'dan', reason: 'left' }],
    ['peerAway', { peerId: 'eve', away: false }],
    ['peerVideoProblem', { peerId: 'eve', problem: 'bFrames' }],
    ['peerGrants', { peerId: 'fay', canExchangeData: false }],
    ['peerInfo', { peerId: 'gil', name: 'Gil', metadata: undefined }],
  ]);
});

test('a peer that leaves and comes back has left and joined; one that then leaves again has left', async () => {
  const { batcher, sent } = batcherOf(17);
  for (const peerId of ['ann', 'bob', 'cem']) batcher.notify('peerClosed', { peerId, reason: 'left' });
  for (const peerId of ['bob', 'cem', 'dan']) batcher.notify('newPeer', info(peerId));
  batcher.notify('peerSources', { peerId: 'bob', sources: { camera: 'live' } });
  for (const peerId of ['cem', 'dan']) batcher.notify('peerClosed', { peerId, reason: 'kicked' });
  batcher.notify('newPeer', { ...info('dan'), name: 'Dan' });
  await vi.waitUntil(() => sent.length > 0);
  const of = (peerId: string) => sent.filter(([, data]) => JSON.stringify(data).includes(peerId));
  expect(of('ann')).toEqual([['peerClosed', { peerId: 'ann', reason: 'left' }]]);
  expect(of('bob')).toEqual([
    ['peerClosed', { peerId: 'bob', reason: 'left' }],
    ['newPeer', { ...info('bob'), sources: { camera: 'live' } }],
  ]);
  expect(of('cem')).toEqual([['peerClosed', { peerId: 'cem', reason: 'kicked' }]]);
  expect(of('dan')).toEqual([['newPeer', { ...info('dan'), name: 'Dan' }]]);
});

test('other events do not wait, and come after the presence events before them', async () => {
  const { batcher, sent } = batcherOf(100);
  batcher.notify('newPeer', info('ann'));
  batcher.notify('reaction', { peerId: 'ann', reaction: 'heart' });
  await new Promise(setImmediate);
  expect(sent.map(([event]) => event)).toEqual(['newPeer', 'reaction']);
});

test('consumers come after the peer that they are of', async () => {
  const { batcher, sent } = batcherOf(100);
  batcher.notify('newPeer', info('ann'));
  batcher.consumerOpened({
    consumerId: 'c',
    producerId: 'p',
    peerId: 'ann',
    source: 'camera',
    kind: 'video',
    rtpParameters: { codecs: [{ mimeType: 'video/VP8', payloadType: 96, clockRate: 90_000 }], encodings: [{}] },
  });
  await new Promise(setImmediate);
  expect(sent.map(([event]) => event)).toEqual(['newPeer', 'newConsumers']);
});

test('after a lost connection nothing of before is sent, and after the end nothing at all', async () => {
  const { batcher, sent, batchTimer } = batcherOf(100);
  batcher.notify('newPeer', info('ann'));
  batcher.suspend();
  batcher.open();
  batcher.notify('newPeer', info('bob'));
  const onBatch = vi.fn();
  batchTimer.schedule(onBatch);
  await vi.waitUntil(() => onBatch.mock.calls.length > 0 && sent.length > 0);
  expect(sent).toEqual([['newPeer', info('bob')]]);
  batcher.notify('newPeer', info('cem'));
  batcher.close();
  batchTimer.schedule(onBatch);
  await vi.waitUntil(() => onBatch.mock.calls.length > 1);
  expect(sent).toHaveLength(1);
});

describe('a room that has closed', () => {
  fakeOwnTimers();

  test('has no timer', () => {
    const batchTimer = new BatchTimer(() => 100);
    const onBatch = vi.fn();
    batchTimer.schedule(onBatch);
    batchTimer.close();
    expect(vi.getTimerCount()).toBe(0);
    vi.advanceTimersByTime(10_000);
    expect(onBatch).not.toHaveBeenCalled();
  });
});

test('the batch of a very large room lets other work in between, and runs each action once', async () => {
  const timer = new BatchTimer(() => 500);
  const ran: number[] = [];
  const between = Promise.withResolvers<number>();
  const actions = Array.from({ length: 100 }, (_, index) => () => {
    ran.push(index);
    if (index !== 0) return;
    setImmediate(() => between.resolve(ran.length));
    // It ends while it waits for its turn.
    timer.cancel(actions[99] ?? (() => {}));
  });
  for (const action of [...actions, ...actions]) timer.schedule(action);
  expect(await between.promise).toBeLessThan(50);
  await vi.waitUntil(() => ran.length >= 99);
  expect(ran).toEqual(Array.from({ length: 99 }, (_, index) => index));
});

test('nothing of a batch runs after the end', async () => {
  const timer = new BatchTimer(() => 500);
  let ran = 0;
  const ended = Promise.withResolvers<void>();
  for (let index = 0; index < 100; index += 1) {
    timer.schedule(() => {
      ran += 1;
      if (ran !== 40) return;
      timer.close();
      ended.resolve();
    });
  }
  await ended.promise;
  for (let turn = 0; turn < 5; turn += 1) await new Promise(setImmediate);
  expect(ran).toBe(40);
});
