/** Tests of raceAttempts: when attempts start, and how they end. */
import { expect, test, vi } from 'vitest';
import { raceAttempts } from '../../web/client/signalling/raceAttempts.ts';
import { fakeOwnTimers } from '../support/fakeOwnTimers.ts';

fakeOwnTimers();

const gap = { first: 60, most: 370 };

test('starts the next attempt although the previous one hangs, and aborts the others when one succeeds', async () => {
  const starts: number[] = [];
  const aborted: number[] = [];
  const result = raceAttempts(
    (signal) =>
      new Promise<string>((resolve) => {
        const number = starts.push(performance.now());
        signal.addEventListener('abort', () => aborted.push(number));
        if (number === 4) setTimeout(() => resolve('fourth'), 10);
      }),
    { gap, until: performance.now() + 30_000, signal: new AbortController().signal },
  );
  await vi.advanceTimersByTimeAsync(3000);
  expect(await result).toBe('fourth');
  expect(starts.length).toBe(4);
  expect(aborted).toEqual(expect.arrayContaining([1, 2, 3]));
});

test('doubles the pause after each attempt, up to a maximum, with a jitter of a third', async () => {
  const startedAt = performance.now();
  const starts: number[] = [];
  const end = new AbortController();
  const result = raceAttempts(
    () => {
      starts.push(performance.now() - startedAt);
      return new Promise<void>(() => {});
    },
    { gap, until: performance.now() + 30_000, signal: end.signal },
  );
  await vi.advanceTimersByTimeAsync(3000);
  const [first = 0, ...others] = starts;
  expect(first).toBeLessThanOrEqual(gap.first);
  const pauses = others.map((at, index) => at - (starts[index] ?? 0));
  for (const [index, usual] of [60, 120, 240, 370, 370].entries()) {
    // Fake timers count whole milliseconds.
    expect(pauses[index]).toBeGreaterThanOrEqual(Math.floor((usual * 2) / 3));
    expect(pauses[index]).toBeLessThanOrEqual(Math.ceil((usual * 4) / 3));
  }
  end.abort();
  await expect(result).rejects.toBe(end.signal.reason);
});

test('rejects with the last error at the deadline', async () => {
  let attempts = 0;
  const result = raceAttempts(
    async () => {
      attempts += 1;
      throw new Error(`attempt ${attempts}`);
    },
    { gap, until: performance.now() + 2000, signal: new AbortController().signal },
  );
  const failed = expect(result).rejects.toThrow(/attempt \d+/);
  await vi.advanceTimersByTimeAsync(4000);
  await failed;
  expect(attempts).toBeGreaterThan(4);
});

test('waits for running attempts at the deadline, and starts no more', async () => {
  const replies: ((value: string) => void)[] = [];
  const result = raceAttempts(() => new Promise<string>((resolve) => replies.push(resolve)), {
    ...{ gap, until: performance.now() + 500, signal: new AbortController().signal },
  });
  await vi.advanceTimersByTimeAsync(10_000);
  const starts = replies.length;
  await vi.advanceTimersByTimeAsync(10_000);
  expect(replies.length).toBe(starts);
  replies[0]?.('late');
  expect(await result).toBe('late');
});

test('ends when it is aborted, whatever is running', async () => {
  const end = new AbortController();
  let inner: AbortSignal | undefined;
  const result = raceAttempts(
    (signal) => {
      inner = signal;
      return new Promise<void>(() => {});
    },
    { gap, until: performance.now() + 30_000, signal: end.signal },
  );
  const reason = new Error('left');
  const failed = expect(result).rejects.toBe(reason);
  await vi.advanceTimersByTimeAsync(100);
  end.abort(reason);
  await failed;
  expect(inner?.aborted).toBe(true);
  expect(vi.getTimerCount()).toBe(0);
});
