/** Owns the rules by which a large room tells who is there: once a beat, in order, and nothing that is over already. */
import { expect, test, vi } from 'vitest';
import { BatchTimer } from '../../server/room/BatchTimer.ts';
import { EventBatcher } from '../../server/room/EventBatcher.ts';
import type { PeerInfo } from '../../shared/protocol.ts';

const info = (peerId: string): PeerInfo => ({
  peerId,
  identity: peerId,
  name: peerId,
  sources: {},
  hand: false,
  away: false,
});

/** An outbox of a room of that size, and what has left it. */
function outboxOf(size: number) {
  const told: [string, unknown][] = [];
  const pace = new BatchTimer(() => size);
  const outbox = new EventBatcher((event, data) => told.push([event, data]), pace);
  outbox.open();
  return { outbox, told, pace };
}

test('a small room tells at once', async () => {
  const { outbox, told } = outboxOf(16);
  outbox.notify('newPeer', info('ann'));
  outbox.notify('peerClosed', { peerId: 'ann', reason: 'left' });
  await new Promise(setImmediate);
  expect(told.map(([event]) => event)).toEqual(['newPeer', 'peerClosed']);
});

test('a large room tells once a beat: the latest of each, and nobody who has gone again', async () => {
  const { outbox, told } = outboxOf(17);
  const began = performance.now();
  outbox.notify('newPeer', info('ann'));
  outbox.notify('newPeer', info('bob'));
  outbox.notify('peerSources', { peerId: 'ann', sources: { camera: 'live' } });
  outbox.notify('peerSources', { peerId: 'cem', sources: { camera: 'live' } });
  outbox.notify('peerSources', { peerId: 'cem', sources: {} });
  outbox.notify('peerHand', { peerId: 'cem', raised: true });
  outbox.notify('peerClosed', { peerId: 'bob', reason: 'left' });
  outbox.notify('peerAway', { peerId: 'dan', away: true });
  outbox.notify('peerClosed', { peerId: 'dan', reason: 'left' });
  outbox.notify('peerAway', { peerId: 'eve', away: true });
  outbox.notify('peerAway', { peerId: 'eve', away: false });
  await vi.waitUntil(() => told.length > 0);
  expect(performance.now() - began).toBeGreaterThan(200);
  expect(told).toEqual([
    ['newPeer', { ...info('ann'), sources: { camera: 'live' } }],
    ['peerSources', { peerId: 'cem', sources: {} }],
    ['peerHand', { peerId: 'cem', raised: true }],
    ['peerClosed', { peerId: 'dan', reason: 'left' }],
    ['peerAway', { peerId: 'eve', away: false }],
  ]);
});

test('who leaves and comes back under the same id has left and come; who then leaves again has left', async () => {
  const { outbox, told } = outboxOf(17);
  for (const peerId of ['ann', 'bob', 'cem']) outbox.notify('peerClosed', { peerId, reason: 'left' });
  for (const peerId of ['bob', 'cem', 'dan']) outbox.notify('newPeer', info(peerId));
  outbox.notify('peerSources', { peerId: 'bob', sources: { camera: 'live' } });
  for (const peerId of ['cem', 'dan']) outbox.notify('peerClosed', { peerId, reason: 'kicked' });
  outbox.notify('newPeer', { ...info('dan'), name: 'Dan' });
  await vi.waitUntil(() => told.length > 0);
  const of = (peerId: string) => told.filter(([, data]) => JSON.stringify(data).includes(peerId));
  expect(of('ann')).toEqual([['peerClosed', { peerId: 'ann', reason: 'left' }]]);
  expect(of('bob')).toEqual([
    ['peerClosed', { peerId: 'bob', reason: 'left' }],
    ['newPeer', { ...info('bob'), sources: { camera: 'live' } }],
  ]);
  expect(of('cem')).toEqual([['peerClosed', { peerId: 'cem', reason: 'kicked' }]]);
  expect(of('dan')).toEqual([['newPeer', { ...info('dan'), name: 'Dan' }]]);
});

test('other news waits for nothing, and comes after who is there', async () => {
  const { outbox, told } = outboxOf(100);
  outbox.notify('newPeer', info('ann'));
  outbox.notify('reaction', { peerId: 'ann', reaction: 'heart' });
  await new Promise(setImmediate);
  expect(told.map(([event]) => event)).toEqual(['newPeer', 'reaction']);
});

test('consumers come after the peer whose they are', async () => {
  const { outbox, told } = outboxOf(100);
  outbox.notify('newPeer', info('ann'));
  outbox.consumerOpened({
    consumerId: 'c',
    producerId: 'p',
    peerId: 'ann',
    source: 'camera',
    kind: 'video',
    rtpParameters: { codecs: [{ mimeType: 'video/VP8', payloadType: 96, clockRate: 90_000 }], encodings: [{}] },
  });
  await new Promise(setImmediate);
  expect(told.map(([event]) => event)).toEqual(['newPeer', 'newConsumers']);
});

test('who is cut off is told nothing of before, and who is closed nothing at all', async () => {
  const { outbox, told, pace } = outboxOf(100);
  outbox.notify('newPeer', info('ann'));
  outbox.suspend();
  outbox.open();
  outbox.notify('newPeer', info('bob'));
  const beat = vi.fn();
  pace.schedule(beat);
  await vi.waitUntil(() => beat.mock.calls.length > 0 && told.length > 0);
  expect(told).toEqual([['newPeer', info('bob')]]);
  outbox.notify('newPeer', info('cem'));
  outbox.close();
  pace.schedule(beat);
  await vi.waitUntil(() => beat.mock.calls.length > 1);
  expect(told).toHaveLength(1);
});

test('the news of a room that has closed waits for no beat any more', () => {
  vi.useFakeTimers();
  try {
    const pace = new BatchTimer(() => 100);
    const beat = vi.fn();
    pace.schedule(beat);
    pace.close();
    expect(vi.getTimerCount()).toBe(0);
    vi.advanceTimersByTime(10_000);
    expect(beat).not.toHaveBeenCalled();
  } finally {
    vi.useRealTimers();
  }
});
