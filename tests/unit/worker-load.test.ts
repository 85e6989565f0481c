/** Tests of a worker's load, which includes reserved and recently placed peers. */
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { WorkerLoad } from '../../server/media/WorkerLoad.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

/** An idle worker, fully used at a thousand packets a second. */
function idle() {
  return new WorkerLoad({ cpuTime: async () => 0, capacity: 1000 });
}

test('a placed peer counts until its cost shows in the measurement', () => {
  const load = idle();
  using _stay = load.reserve(false);
  expect(load.utilization).toBeCloseTo(0.25);
  vi.advanceTimersByTime(5000);
  expect(load.utilization).toBeCloseTo(0.125);
  vi.advanceTimersByTime(5000);
  expect(load.utilization).toBe(0);
  load.close();
});

test('a reservation counts while it is held, and then as a new peer', () => {
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

test("the utilization is the CPU use of the worker's core, averaged over ten seconds", async () => {
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
  // Adds to the measured use.
  using _stay = load.reserve(true);
  expect(load.utilization).toBeCloseTo(0.45);
  load.close();
});

test('an unresponsive worker is not polled again before it replies', async () => {
  const answers: ((time: number) => void)[] = [];
  const load = new WorkerLoad({ cpuTime: () => new Promise((resolve) => answers.push(resolve)), capacity: 1000 });
  await vi.advanceTimersByTimeAsync(5000);
  expect(answers).toHaveLength(1);
  answers[0]?.(0);
  await vi.advanceTimersByTimeAsync(1000);
  expect(answers).toHaveLength(2);
  load.close();
});

test('a peer that has left no longer counts', () => {
  const load = idle();
  const stays = [load.reserve(true), load.reserve(false)];
  expect(load.utilization).toBeCloseTo(0.5);
  for (const stay of stays) stay[Symbol.dispose]();
  expect(load.utilization).toBe(0);
  load.close();
});
