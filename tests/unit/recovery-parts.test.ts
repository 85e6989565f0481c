/** Covers small parts of recovery: requests that are sent again, limits of restarts, the watchdog. */
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { z } from 'zod';
import { Watchdog } from '../../server/media/Watchdog.ts';
import { SlidingWindowLimit } from '../../server/room/SlidingWindowLimit.ts';
import { RpcChannel } from '../../shared/RpcChannel.ts';

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

describe('a channel that takes over', () => {
  const table = {
    requests: { add: { about: 'Counts.', request: z.strictObject({}), reply: z.object({ sum: z.number() }) } },
    events: {},
  } as const;
  const nothing = { requests: {}, events: {} } as const;

  /** A client's channel, and the messages that it sends. */
  function caller(firstId?: number) {
    const sent: string[] = [];
    const channel = new RpcChannel<typeof table, typeof nothing>({
      outgoing: table,
      incoming: nothing,
      handlers: {},
      send: (message) => void sent.push(message),
      firstId,
    });
    return { channel, sent };
  }

  test('sends again what had no reply, in order, and what was requested while there was no connection', async () => {
    const first = caller();
    const asked = [first.channel.request('add', {}), first.channel.request('add', {})];
    first.channel.suspend();
    asked.push(first.channel.request('add', {}));
    // No request times out while there is no connection.
    await vi.advanceTimersByTimeAsync(60_000);
    const second = caller(first.channel.nextId);
    second.channel.transferPending(first.channel);
    expect(first.sent.length).toBe(2);
    expect(second.sent.map((message) => JSON.parse(message).id)).toEqual([1, 2, 3]);
    for (const id of [1, 2, 3]) second.channel.receive(JSON.stringify({ id, data: { sum: id } }));
    expect(await Promise.all(asked)).toEqual([{ sum: 1 }, { sum: 2 }, { sum: 3 }]);
    void second.channel.request('add', {}).catch(() => {});
    expect(JSON.parse(second.sent.at(-1) ?? '').id).toBe(4);
    second.channel.close();
  });

  test('rejects a request that was sent on three connections, all of which ended', async () => {
    let { channel } = caller();
    const asked = expect(channel.request('add', {})).rejects.toMatchObject({ code: 'closed' });
    for (let turn = 0; turn < 3; turn += 1) {
      channel.suspend();
      const next = caller(channel.nextId);
      next.channel.transferPending(channel);
      channel = next.channel;
      expect(next.sent.length).toBe(turn < 2 ? 1 : 0);
    }
    await asked;
  });
});

describe('SlidingWindowLimit', () => {
  test('limits the number in a window, and the interval between two', () => {
    const allowance = new SlidingWindowLimit({ limit: 3, window: 60_000, minInterval: 5000 });
    expect(allowance.take()).toBe(0);
    expect(allowance.take()).toBe(5000);
    vi.advanceTimersByTime(4999);
    expect(allowance.take()).toBe(1);
    vi.advanceTimersByTime(1);
    expect(allowance.take()).toBe(0);
    vi.advanceTimersByTime(5000);
    expect(allowance.take()).toBe(0);
    vi.advanceTimersByTime(5000);
    expect(allowance.take()).toBe(45_000);
    vi.advanceTimersByTime(45_000);
    expect(allowance.take()).toBe(0);
  });
});

describe('Watchdog', () => {
  test('accepts a slow worker that responds in time, and reports once one that does not', async () => {
    const answers: (() => void)[] = [];
    const onSilence = vi.fn();
    const watchdog = new Watchdog({
      ask: () => new Promise<void>((resolve) => answers.push(resolve)),
      responseTimeout: 5000,
      onSilence,
    });
    for (let turn = 0; turn < 4; turn += 1) {
      await vi.advanceTimersByTimeAsync(4500);
      answers.at(-1)?.();
      await vi.advanceTimersByTimeAsync(500);
    }
    expect(onSilence).not.toHaveBeenCalled();
    expect(watchdog.responsive).toBe(true);
    await vi.advanceTimersByTimeAsync(1000);
    expect(watchdog.responsive).toBe(false);
    await vi.advanceTimersByTimeAsync(3000);
    expect(onSilence).not.toHaveBeenCalled();
    await vi.advanceTimersByTimeAsync(1000);
    expect(onSilence).toHaveBeenCalledTimes(1);
    await vi.advanceTimersByTimeAsync(10_000);
    expect(onSilence).toHaveBeenCalledTimes(1);
    watchdog.close();
  });
});
