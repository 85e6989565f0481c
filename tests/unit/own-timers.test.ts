/** Covers the fake timers of a test: its own are counted and run by it, those of whatever else is in the process are real. */
import { AsyncLocalStorage } from 'node:async_hooks';
import { expect, onTestFinished, test, vi } from 'vitest';
import { fakeOwnTimers } from '../support/fakeOwnTimers.ts';

fakeOwnTimers();

/** Runs a function as something that does not follow from a test. */
const elsewhere = AsyncLocalStorage.snapshot();

test('what follows from the test is counted, and runs as its time passes', async () => {
  const ran: string[] = [];
  setTimeout(async () => {
    ran.push('first');
    await Promise.resolve();
    setTimeout(() => ran.push('second'), 10_000);
  }, 10_000);
  expect(vi.getTimerCount()).toBe(1);
  await vi.advanceTimersByTimeAsync(10_000);
  expect([ran, vi.getTimerCount()]).toEqual([['first'], 1]);
  vi.advanceTimersByTime(10_000);
  expect([ran, vi.getTimerCount()]).toEqual([['first', 'second'], 0]);
});

test('what does not is not counted, does not run by it, and ends when it wants', async () => {
  const ran: string[] = [];
  const cleared = elsewhere(() => setInterval(() => ran.push('cleared')));
  const late = elsewhere(() => setTimeout(() => ran.push('late'), 10_000));
  onTestFinished(() => elsewhere(() => clearTimeout(late)));
  // As a poll that was running before the test goes on.
  const { promise, resolve } = Promise.withResolvers<void>();
  elsewhere(() => setTimeout(() => setTimeout(resolve)));
  elsewhere(() => clearInterval(cleared));
  expect(vi.getTimerCount()).toBe(0);
  vi.advanceTimersByTime(60_000);
  expect(ran).toEqual([]);
  await promise;
  expect([ran, vi.getTimerCount()]).toEqual([[], 0]);
});
