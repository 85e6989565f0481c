import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { Retries } from '../../server/room/Retries.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

test('what fails is tried again, later each time, and five times at most', () => {
  const retries = new Retries();
  const began = performance.now();
  const tries: number[] = [];
  const fail = (failures: number): void => {
    retries.later(failures, () => {
      tries.push(performance.now() - began);
      fail(failures + 1);
    });
  };
  fail(0);
  vi.advanceTimersByTime(60_000);
  expect(tries).toEqual([250, 750, 1750, 3750, 7750]);
  expect(retries.pending).toBe(false);
});

test('what is cleared or closed is not tried again; after close nothing is', () => {
  const retries = new Retries();
  const tried = vi.fn();
  retries.later(0, tried);
  expect(retries.pending).toBe(true);
  retries.clear();
  expect(retries.pending).toBe(false);
  retries.close();
  retries.later(0, tried);
  vi.advanceTimersByTime(60_000);
  expect(tried).not.toHaveBeenCalled();
});
