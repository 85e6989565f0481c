/** Covers small parts of the server: token bucket, lifetimes, event batcher. */
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { opus } from '../../scripts/support/media/clientParameters.ts';
import { Lifetime } from '../../server/common/Lifetime.ts';
import { BatchTimer } from '../../server/room/BatchTimer.ts';
import { EventBatcher } from '../../server/room/EventBatcher.ts';
import type { ConsumerInfo } from '../../shared/protocol.ts';
import { TokenBucket } from '../../shared/TokenBucket.ts';

describe('TokenBucket', () => {
  beforeEach(() => {
    vi.useFakeTimers({ toFake: ['performance'] });
  });
  afterEach(() => {
    vi.useRealTimers();
  });
  const take = (limit: TokenBucket, times: number) => Array.from({ length: times }, () => limit.take());

  test('allows a burst, then counts the debt', () => {
    expect(take(new TokenBucket(10, 3), 5)).toEqual([0, 0, 0, 1, 2]);
  });

  test('refills over time', () => {
    const limit = new TokenBucket(10, 3);
    take(limit, 3);
    vi.advanceTimersByTime(100);
    expect(take(limit, 2)).toEqual([0, 1]);
  });

  test('never holds more than the burst', () => {
    const limit = new TokenBucket(10, 3);
    vi.advanceTimersByTime(3_600_000);
    expect(take(limit, 4)).toEqual([0, 0, 0, 1]);
  });

  test('takes tokens without debt', () => {
    const limit = new TokenBucket(10, 3);
    expect(Array.from({ length: 6 }, () => limit.tryTake())).toEqual([true, true, true, false, false, false]);
    vi.advanceTimersByTime(99);
    expect(limit.tryTake()).toBe(false);
    vi.advanceTimersByTime(1);
    expect([limit.tryTake(), limit.tryTake()]).toEqual([true, false]);
  });

  test('has a debt of at most the burst, so that it recovers', () => {
    const limit = new TokenBucket(10, 3);
    expect(take(limit, 100).at(-1)).toBe(3);
    vi.advanceTimersByTime(400);
    expect(limit.take()).toBe(0);
  });
});

describe('Lifetime', () => {
  test('runs each callback once at its end, newest first, with the reason', () => {
    const lifetime = new Lifetime<'done' | 'again'>();
    const log: string[] = [];
    lifetime.defer((reason) => log.push(`first ${reason}`));
    lifetime.defer((reason) => log.push(`second ${reason}`));
    expect([lifetime.closed, lifetime.reason]).toEqual([false, undefined]);
    expect([lifetime.end('done'), lifetime.end('again')]).toEqual([true, false]);
    expect([lifetime.closed, lifetime.reason]).toEqual([true, 'done']);
    expect(log).toEqual(['second done', 'first done']);
  });

  test('runs a callback that is registered after the end at once', () => {
    const lifetime = new Lifetime();
    lifetime.end('over');
    const undo = vi.fn();
    lifetime.defer(undo);
    expect(undo).toHaveBeenCalledExactlyOnceWith('over');
  });

  test('runs all the others when one of them throws, and then throws', () => {
    const lifetime = new Lifetime();
    const rest = vi.fn();
    lifetime.defer(rest);
    lifetime.defer(() => {
      throw new Error('broken');
    });
    lifetime.defer(rest);
    expect(() => lifetime.end('over')).toThrow('broken');
    expect(rest).toHaveBeenCalledTimes(2);
    expect(lifetime.closed).toBe(true);
  });

  test('ignores an end during its end', () => {
    const lifetime = new Lifetime();
    const log: boolean[] = [];
    lifetime.defer(() => log.push(lifetime.end('once more')));
    lifetime.end('over');
    expect([log, lifetime.reason]).toEqual([[false], 'over']);
  });
});

describe('EventBatcher', () => {
  const consumer = (consumerId: string): ConsumerInfo => ({
    consumerId,
    producerId: 'producer',
    peerId: 'peer',
    source: 'microphone',
    kind: 'audio',
    rtpParameters: opus(),
  });
  const nextTurn = () => new Promise((resolve) => setImmediate(() => setImmediate(resolve)));
  const record = () => {
    const sent: unknown[] = [];
    return { sent, batcher: new EventBatcher((event, data) => sent.push({ event, data }), new BatchTimer(() => 2)) };
  };

  test('drops everything until it opens, and while it is suspended: a snapshot has it all', async () => {
    const { sent, batcher } = record();
    batcher.notify('peerClosed', { peerId: 'a', reason: 'left' });
    batcher.consumerOpened(consumer('one'));
    batcher.consumerOpened(consumer('two'));
    batcher.consumerClosed('one');
    await nextTurn();
    batcher.open();
    await nextTurn();
    expect(sent).toEqual([]);
    batcher.notify('peerClosed', { peerId: 'b', reason: 'left' });
    batcher.consumerOpened(consumer('three'));
    batcher.suspend();
    batcher.consumerClosed('three');
    await nextTurn();
    batcher.open();
    await nextTurn();
    expect(sent).toEqual([]);
    batcher.consumerClosed('two');
    await nextTurn();
    expect(sent).toEqual([{ event: 'consumersClosed', data: { consumerIds: ['two'] } }]);
  });

  test('puts all consumers of one turn into one event, after the other events', async () => {
    const { sent, batcher } = record();
    batcher.open();
    batcher.consumerOpened(consumer('one'));
    batcher.notify('peerClosed', { peerId: 'a', reason: 'left' });
    batcher.consumerOpened(consumer('two'));
    expect(sent).toEqual([]);
    await nextTurn();
    expect(sent).toEqual([
      { event: 'peerClosed', data: { peerId: 'a', reason: 'left' } },
      { event: 'newConsumers', data: { consumers: [consumer('one'), consumer('two')] } },
    ]);
  });

  test('sends nothing about a consumer that opened and closed within one turn', async () => {
    const { sent, batcher } = record();
    batcher.open();
    batcher.consumerOpened(consumer('brief'));
    batcher.consumerClosed('brief');
    await nextTurn();
    expect(sent).toEqual([]);
  });

  test('keeps the order of events over turns, and sends nothing after it is closed', async () => {
    const { sent, batcher } = record();
    batcher.open();
    batcher.notify('peerClosed', { peerId: 'a', reason: 'left' });
    batcher.notify('peerClosed', { peerId: 'b', reason: 'left' });
    await nextTurn();
    batcher.notify('peerClosed', { peerId: 'c', reason: 'left' });
    batcher.close();
    batcher.consumerOpened(consumer('late'));
    await nextTurn();
    expect(sent).toMatchObject([{ data: { peerId: 'a' } }, { data: { peerId: 'b' } }]);
  });
});
