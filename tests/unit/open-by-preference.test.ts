/** Tests of openByPreference: when attempts begin, which one wins, and what becomes of the others. */
import { expect, test, vi } from 'vitest';
import { openByPreference } from '../../web/client/signalling/openByPreference.ts';
import { fakeOwnTimers } from '../support/fakeOwnTimers.ts';

fakeOwnTimers();

interface Step {
  /** How long the attempt takes, in milliseconds; for ever by default. */
  readonly takes?: number;
  readonly error?: Error;
}

/** Opens with these steps, each with a head start of 700 ms. */
function open(...steps: Step[]) {
  const startedAt = performance.now();
  const began: (number | undefined)[] = steps.map(() => undefined);
  const aborted: number[] = [];
  const discarded: number[] = [];
  const attempts = steps.map(({ takes, error }, index) => ({
    headStart: 700,
    open: (signal: AbortSignal) => {
      began[index] = performance.now() - startedAt;
      signal.addEventListener('abort', () => aborted.push(index));
      const { promise, resolve, reject } = Promise.withResolvers<number>();
      if (takes !== undefined) setTimeout(() => (error ? reject(error) : resolve(index)), takes);
      return promise;
    },
  }));
  const outcome: { won?: number; error?: unknown; at?: number } = {};
  openByPreference({
    attempts,
    maxWait: 2000,
    isFinal: (error) => error instanceof TypeError,
    discard: (index) => discarded.push(index),
  }).then(
    (won) => Object.assign(outcome, { won, at: performance.now() - startedAt }),
    (error: unknown) => Object.assign(outcome, { error, at: performance.now() - startedAt }),
  );
  return { began, aborted, discarded, outcome };
}

const failure = new Error('blocked');

test('begins nothing else while the first one opens in time', async () => {
  const { began, outcome } = open({ takes: 600 }, { takes: 10 });
  await vi.advanceTimersByTimeAsync(5000);
  expect(outcome).toEqual({ won: 0, at: 600 });
  expect(began).toEqual([0, undefined]);
  expect(vi.getTimerCount()).toBe(0);
});

test('begins the next one at once when one fails', async () => {
  const { began, outcome } = open({ takes: 20, error: failure }, { takes: 30, error: failure }, { takes: 40 });
  await vi.advanceTimersByTimeAsync(5000);
  expect(outcome).toEqual({ won: 2, at: 90 });
  expect(began).toEqual([0, 20, 50]);
});

test('begins the next one beside one that hangs, which then has as long again as the next one took', async () => {
  const { began, outcome, aborted } = open({}, { takes: 100 }, {});
  await vi.advanceTimersByTimeAsync(5000);
  expect(outcome.won).toBe(1);
  expect(outcome.at).toBeGreaterThanOrEqual(900);
  expect(outcome.at).toBeLessThan(910);
  expect(began).toEqual([0, 700, undefined]);
  expect(aborted).toContain(0);
});

test('does not lose a better one that is slow like everything else', async () => {
  const { outcome, discarded } = open({ takes: 2400 }, { takes: 1200 });
  await vi.advanceTimersByTimeAsync(5000);
  expect(outcome).toEqual({ won: 0, at: 2400 });
  expect(discarded).toEqual([1]);
});

test('waits no longer once the better one has failed', async () => {
  const { outcome } = open({ takes: 1300, error: failure }, { takes: 500 });
  await vi.advanceTimersByTimeAsync(5000);
  expect(outcome).toEqual({ won: 1, at: 1300 });
});

test('takes the better one of two that have opened', async () => {
  // The second one opens after 1490 ms and would wait until 2280 ms; the third one, after 1500 ms, until 1600 ms.
  const { outcome, discarded } = open({}, { takes: 790 }, { takes: 100 });
  await vi.advanceTimersByTimeAsync(5000);
  expect(outcome.won).toBe(1);
  expect(outcome.at).toBeGreaterThanOrEqual(1600);
  expect(outcome.at).toBeLessThan(1610);
  expect(discarded).toEqual([2]);
});

test('waits no longer than that where timers fire before their time by the clock', async () => {
  const { outcome } = open({}, { takes: 100 });
  await vi.advanceTimersByTimeAsync(800);
  const now = performance.now.bind(performance);
  const clock = vi.spyOn(performance, 'now').mockImplementation(() => now() - 2);
  await vi.advanceTimersByTimeAsync(5000);
  clock.mockRestore();
  expect(outcome.won).toBe(1);
  expect(outcome.at).toBeLessThan(910);
});

test('waits for a better one for two seconds at most', async () => {
  const { outcome } = open({}, { takes: 6000 });
  await vi.advanceTimersByTimeAsync(20_000);
  expect(outcome.at).toBeGreaterThanOrEqual(8700);
  expect(outcome.at).toBeLessThan(8710);
});

test('fails with the first error when all have failed', async () => {
  const { outcome } = open({ takes: 3000, error: failure }, { takes: 10, error: new Error('later') });
  await vi.advanceTimersByTimeAsync(20_000);
  expect(outcome).toEqual({ error: failure, at: 3000 });
  expect(vi.getTimerCount()).toBe(0);
});

test('fails at once with an error that is final, and closes what was open', async () => {
  const refused = new TypeError('refused');
  const { outcome, discarded } = open({ takes: 1200, error: refused }, { takes: 490 });
  await vi.advanceTimersByTimeAsync(20_000);
  expect(outcome).toEqual({ error: refused, at: 1200 });
  expect(discarded).toEqual([1]);
});

test('closes what opens after another one has won', async () => {
  const { outcome, discarded } = open({ takes: 2000 }, { takes: 100 });
  await vi.advanceTimersByTimeAsync(20_000);
  expect(outcome.won).toBe(1);
  expect(discarded).toEqual([0]);
});
