/** Retries: growing delays, a limited number, and their cancellation. */
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { Retries } from '../../server/room/Retries.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

test('a task that fails is retried with growing delays, five times at most', () => {
  const retries = new Retries();
  const began = performance.now();
  const attempts: number[] = [];
  const fail = (failures: number): void => {
    retries.later(failures, () => {
      attempts.push(performance.now() - began);
      fail(failures + 1);
    });
  };
  fail(0);
  vi.advanceTimersByTime(60_000);
  expect(attempts).toEqual([250, 750, 1750, 3750, 7750]);
  expect(retries.pending).toBe(false);
});

test('neither cleared retries run, nor any after close', () => {
  const retries = new Retries();
  const task = vi.fn();
  retries.later(0, task);
  expect(retries.pending).toBe(true);
  retries.clear();
  expect(retries.pending).toBe(false);
  retries.close();
  retries.later(0, task);
  vi.advanceTimersByTime(60_000);
  expect(task).not.toHaveBeenCalled();
});
