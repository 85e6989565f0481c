/** Owns how busy a media worker counts as, by those who are placed there. */
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { WorkerLoad } from '../../server/media/WorkerLoad.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

/** A worker that does nothing, and is full with a thousand packets a second. */
function idle() {
  return new WorkerLoad({ cpuTime: async () => 0, capacity: 1000 });
}

test('whoever is placed counts until what they cost can show', () => {
  const load = idle();
  using _stay = load.reserve(false);
  expect(load.utilization).toBeCloseTo(0.25);
  vi.advanceTimersByTime(5000);
  expect(load.utilization).toBeCloseTo(0.125);
  vi.advanceTimersByTime(5000);
  expect(load.utilization).toBe(0);
  load.close();
});

test('whoever waits counts as long as they wait, and then as those who have just come', () => {
  const load = idle();
  const stay = load.reserve(true);
  vi.advanceTimersByTime(60_000);
  expect(load.utilization).toBeCloseTo(0.25);
  stay.activate();
  vi.advanceTimersByTime(5000);
  stay.activate();
  expect(load.utilization).toBeCloseTo(0.125);
  vi.advanceTimersByTime(5000);
  expect(load.utilization).toBe(0);
  load.close();
});

test('a worker is as full as its core is busy, over the last ten seconds', async () => {
  let time = 0;
  const load = new WorkerLoad({ cpuTime: async () => time, capacity: 1000 });
  const pass = async (seconds: number, share: number) => {
    for (let second = 0; second < seconds; second += 1) {
      time += share * 1000;
      await vi.advanceTimersByTimeAsync(1000);
    }
  };
  await pass(3, 0.8);
  expect(load.cpu).toBeCloseTo(0.8);
  expect(load.utilization).toBeCloseTo(0.8);
  await pass(20, 1);
  await pass(5, 0.2);
  expect(load.cpu).toBeCloseTo(0.6);
  await pass(20, 0.2);
  expect(load.cpu).toBeCloseTo(0.2);
  // Whoever is placed there comes on top of that.
  using _stay = load.reserve(true);
  expect(load.utilization).toBeCloseTo(0.45);
  load.close();
});

test('a worker that does not answer is not asked again before it has', async () => {
  const answers: ((time: number) => void)[] = [];
  const load = new WorkerLoad({ cpuTime: () => new Promise((resolve) => answers.push(resolve)), capacity: 1000 });
  await vi.advanceTimersByTimeAsync(5000);
  expect(answers).toHaveLength(1);
  answers[0]?.(0);
  await vi.advanceTimersByTimeAsync(1000);
  expect(answers).toHaveLength(2);
  load.close();
});

test('whoever leaves does not count any more', () => {
  const load = idle();
  const stays = [load.reserve(true), load.reserve(false)];
  expect(load.utilization).toBeCloseTo(0.5);
  for (const stay of stays) stay[Symbol.dispose]();
  expect(load.utilization).toBe(0);
  load.close();
});
