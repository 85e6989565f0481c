/** Owns how busy a media worker counts as, by those who are placed there. */
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { Load } from '../../server/media/Load.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

/** A worker that does nothing, and is full with a thousand packets a second. */
function idle() {
  return new Load({ cpuTime: async () => 0, capacity: 1000 });
}

test('whoever is placed counts until what they cost can show', () => {
  const load = idle();
  using _stay = load.expect(false);
  expect(load.fullness).toBeCloseTo(0.25);
  vi.advanceTimersByTime(5000);
  expect(load.fullness).toBeCloseTo(0.125);
  vi.advanceTimersByTime(5000);
  expect(load.fullness).toBe(0);
  load.close();
});

test('whoever waits counts as long as they wait, and then as those who have just come', () => {
  const load = idle();
  const stay = load.expect(true);
  vi.advanceTimersByTime(60_000);
  expect(load.fullness).toBeCloseTo(0.25);
  stay.begin();
  vi.advanceTimersByTime(5000);
  stay.begin();
  expect(load.fullness).toBeCloseTo(0.125);
  vi.advanceTimersByTime(5000);
  expect(load.fullness).toBe(0);
  load.close();
});

test('whoever leaves does not count any more', () => {
  const load = idle();
  const stays = [load.expect(true), load.expect(false)];
  expect(load.fullness).toBeCloseTo(0.5);
  for (const stay of stays) stay[Symbol.dispose]();
  expect(load.fullness).toBe(0);
  load.close();
});
