/** Covers small parts of recovery: requests that are sent again, retries, limits of restarts, the watchdog. */
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { z } from 'zod';
import { Watchdog } from '../../server/media/Watchdog.ts';
import { SlidingWindowLimit } from '../../server/room/SlidingWindowLimit.ts';
import { RpcChannel } from '../../shared/RpcChannel.ts';
import { IceRestartPolicy } from '../../web/client/sfu/IceRestartPolicy.ts';
import { raceAttempts } from '../../web/client/signalling/raceAttempts.ts';

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

describe('raceAttempts', () => {
  const gap = { first: 60, most: 370 };

  test('starts the next attempt although the previous one hangs, and aborts the others when one succeeds', async () => {
    const begun: number[] = [];
    const ended: number[] = [];
    const found = raceAttempts(
      (signal) =>
        new Promise<string>((resolve) => {
          const number = begun.push(performance.now());
          signal.addEventListener('abort', () => ended.push(number));
          if (number === 4) setTimeout(() => resolve('fourth'), 10);
        }),
      { gap, until: performance.now() + 30_000, signal: new AbortController().signal },
    );
    await vi.advanceTimersByTimeAsync(3000);
    expect(await found).toBe('fourth');
    expect(begun.length).toBe(4);
    expect(ended).toEqual(expect.arrayContaining([1, 2, 3]));
  });

  test('doubles the pause after each attempt, up to a maximum, with a jitter of a third', async () => {
    const began = performance.now();
    const begun: number[] = [];
    const end = new AbortController();
    const found = raceAttempts(
      () => {
        begun.push(performance.now() - began);
        return new Promise<void>(() => {});
      },
      { gap, until: performance.now() + 30_000, signal: end.signal },
    );
    await vi.advanceTimersByTimeAsync(3000);
    const [first = 0, ...others] = begun;
    expect(first).toBeLessThanOrEqual(gap.first);
    const pauses = others.map((at, index) => at - (begun[index] ?? 0));
    for (const [index, usual] of [60, 120, 240, 370, 370].entries()) {
      // Fake timers count whole milliseconds.
      expect(pauses[index]).toBeGreaterThanOrEqual(Math.floor((usual * 2) / 3));
      expect(pauses[index]).toBeLessThanOrEqual(Math.ceil((usual * 4) / 3));
    }
    end.abort();
    await expect(found).rejects.toBe(end.signal.reason);
  });

  test('rejects with the last error at the deadline', async () => {
    let attempts = 0;
    const found = raceAttempts(
      async () => {
        attempts += 1;
        throw new Error(`attempt ${attempts}`);
      },
      { gap, until: performance.now() + 2000, signal: new AbortController().signal },
    );
    const failed = expect(found).rejects.toThrow(/attempt \d+/);
    await vi.advanceTimersByTimeAsync(4000);
    await failed;
    expect(attempts).toBeGreaterThan(4);
  });

  test('waits for running attempts at the deadline, and starts no more', async () => {
    const answers: ((value: string) => void)[] = [];
    const found = raceAttempts(() => new Promise<string>((resolve) => answers.push(resolve)), {
      ...{ gap, until: performance.now() + 500, signal: new AbortController().signal },
    });
    await vi.advanceTimersByTimeAsync(10_000);
    const begun = answers.length;
    await vi.advanceTimersByTimeAsync(10_000);
    expect(answers.length).toBe(begun);
    answers[0]?.('late');
    expect(await found).toBe('late');
  });

  test('ends when it is aborted, whatever is running', async () => {
    const end = new AbortController();
    let inner: AbortSignal | undefined;
    const found = raceAttempts(
      (signal) => {
        inner = signal;
        return new Promise<void>(() => {});
      },
      { gap, until: performance.now() + 30_000, signal: end.signal },
    );
    const reason = new Error('left');
    const failed = expect(found).rejects.toBe(reason);
    await vi.advanceTimersByTimeAsync(100);
    end.abort(reason);
    await failed;
    expect(inner?.aborted).toBe(true);
    expect(vi.getTimerCount()).toBe(0);
  });
});

describe('IceRestartPolicy', () => {
  function restarts() {
    const state = {
      connection: 'connected' as 'connecting' | 'connected' | 'lost',
      restarts: [] as number[],
      hopeless: 0,
    };
    const ice = new IceRestartPolicy({
      restart: async () => void state.restarts.push(performance.now()),
      connection: () => state.connection,
      onGivenUp: () => {
        state.hopeless += 1;
      },
    });
    return { state, ice };
  }

  test('restarts at once on request, and again after the minimum interval', async () => {
    const { state, ice } = restarts();
    ice.request();
    await vi.advanceTimersByTimeAsync(0);
    ice.request();
    ice.request();
    await vi.advanceTimersByTimeAsync(20_000);
    expect(state.restarts.length).toBe(2);
    expect((state.restarts[1] ?? 0) - (state.restarts[0] ?? 0)).toBeGreaterThanOrEqual(5000);
    ice.close();
  });

  test('does not restart a transport that reconnects by itself', async () => {
    const { state, ice } = restarts();
    state.connection = 'lost';
    ice.onConnectionChanged();
    await vi.advanceTimersByTimeAsync(1000);
    state.connection = 'connected';
    ice.onConnectionChanged();
    await vi.advanceTimersByTimeAsync(20_000);
    expect(state.restarts).toEqual([]);
    ice.close();
  });

  test('restarts repeatedly while the connection is lost, and gives up after half a minute', async () => {
    const { state, ice } = restarts();
    const tryAndFail = async (rounds: number) => {
      for (let round = 0; round < rounds; round += 1) {
        state.connection = 'lost';
        ice.onConnectionChanged();
        await vi.advanceTimersByTimeAsync(1700);
        state.connection = 'connecting';
        ice.onConnectionChanged();
        await vi.advanceTimersByTimeAsync(100);
      }
      state.connection = 'lost';
      ice.onConnectionChanged();
    };
    await tryAndFail(16);
    expect(state.restarts.length).toBeGreaterThan(3);
    expect(state.hopeless).toBe(0);
    await tryAndFail(4);
    expect(state.hopeless).toBe(1);
    ice.close();
  });
});
