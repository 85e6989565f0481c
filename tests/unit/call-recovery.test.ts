/** Recovery of a call: rejoin attempts, waiting for a busy server, and the places of those who rejoin. */
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { type RemotePeer, WeirError } from '../../web/client/index.ts';
import { BusyRetry } from '../../web/view/controller/BusyRetry.ts';
import { ParticipantRetention } from '../../web/view/controller/ParticipantRetention.ts';
import { RejoinPolicy } from '../../web/view/controller/RejoinPolicy.ts';

beforeEach(() => {
  vi.useFakeTimers();
  // Without jitter.
  vi.spyOn(Math, 'random').mockReturnValue(0.5);
});
afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
});

const peer = (identity: string, peerId = identity): RemotePeer => ({
  peerId,
  identity,
  name: identity,
  sources: {},
  hand: false,
  away: false,
  canExchangeData: true,
  tracks: new Map(),
  unsupportedCodecs: new Map(),
});

test('a rejoin is attempted with growing pauses until the time limit', async () => {
  const onGivenUp = vi.fn();
  const attempts: number[] = [];
  const policy = new RejoinPolicy({
    attempt: async () => {
      attempts.push(performance.now());
      return 'retry';
    },
    onGivenUp,
  });
  const start = performance.now();
  policy.start();
  await vi.advanceTimersByTimeAsync(70_000);
  const pauses = attempts.map((at, index) => at - (attempts[index - 1] ?? start));
  expect(pauses[0]).toBe(300);
  expect(pauses.at(-1)).toBe(4000);
  expect(pauses).toEqual(pauses.toSorted((one, other) => one - other));
  expect(onGivenUp).toHaveBeenCalledOnce();
  await vi.advanceTimersByTimeAsync(60_000);
  expect(attempts).toHaveLength(pauses.length);
});

test('an answer of a busy server restarts the time limit of a rejoin', async () => {
  const onGivenUp = vi.fn();
  const policy = new RejoinPolicy({ attempt: async () => 'restart', onGivenUp });
  policy.start();
  await vi.advanceTimersByTimeAsync(300_000);
  expect(onGivenUp).not.toHaveBeenCalled();
  policy.stop();
});

test('a rejoin that was stopped is not attempted', async () => {
  const attempt = vi.fn(async () => 'retry' as const);
  const policy = new RejoinPolicy({ attempt, onGivenUp: () => {} });
  policy.start();
  policy.stop();
  await vi.advanceTimersByTimeAsync(60_000);
  expect(attempt).not.toHaveBeenCalled();
});

test('a rejoin that is stopped while an attempt is under way is not attempted again', async () => {
  const attempted = Promise.withResolvers<'retry'>();
  const attempt = vi.fn(() => attempted.promise);
  const onGivenUp = vi.fn();
  const policy = new RejoinPolicy({ attempt, onGivenUp });
  policy.start();
  await vi.advanceTimersByTimeAsync(1000);
  policy.stop();
  attempted.resolve('retry');
  await vi.advanceTimersByTimeAsync(120_000);
  expect(attempt).toHaveBeenCalledOnce();
  expect(onGivenUp).not.toHaveBeenCalled();
});

const busy = (retryAfter?: number) => new WeirError('busy', 'busy', { retryAfter });

test.each([
  [2, 2250],
  [undefined, 5625],
  [0, 1125],
  [3600, 67_500],
])('a busy server that names %s seconds is asked again after %i ms', async (retryAfter, wait) => {
  const retryAt: (number | undefined)[] = [];
  const retry = new BusyRetry((at) => retryAt.push(at));
  const start = performance.now();
  const waiting = retry.waitForRetry(busy(retryAfter));
  expect(retryAt).toEqual([start + wait]);
  await vi.advanceTimersByTimeAsync(wait);
  expect(await waiting).toBe(true);
  expect(retryAt.at(-1)).toBeUndefined();
});

test('the wait for a busy server can be cancelled, and ends after twenty attempts', async () => {
  const retry = new BusyRetry(() => {});
  const cancelled = retry.waitForRetry(busy());
  retry.cancel();
  expect(await cancelled).toBe(false);
  for (let attempt = 2; attempt <= 20; attempt += 1) {
    const waiting = retry.waitForRetry(busy());
    await vi.runAllTimersAsync();
    expect(await waiting).toBe(true);
  }
  expect(await retry.waitForRetry(busy())).toBe(false);
  retry.reset();
  const again = retry.waitForRetry(busy());
  await vi.runAllTimersAsync();
  expect(await again).toBe(true);
});

test('no other error is waited for', async () => {
  const retry = new BusyRetry(() => {});
  expect(await retry.waitForRetry(new WeirError('roomFull'))).toBe(false);
  expect(await retry.waitForRetry(new Error('busy'))).toBe(false);
});

function retained(canGiveUp = () => true) {
  const left: string[] = [];
  const participants = new ParticipantRetention({ canGiveUp, onGivenUp: ({ name }) => left.push(name) });
  participants.update([peer('Ada'), peer('Bob')]);
  return { participants, left, states: () => participants.all.map(({ name, peerId, away }) => [name, peerId, away]) };
}

test('a participant who rejoins keeps the place, with another peer id', () => {
  const { participants, left, states } = retained();
  participants.awaitReturn('p:Ada');
  participants.update([peer('Bob')]);
  expect(states()).toEqual([
    ['Ada', 'Ada', true],
    ['Bob', 'Bob', false],
  ]);
  participants.update([peer('Bob'), peer('Ada', 'second')]);
  expect(states()).toEqual([
    ['Ada', 'second', false],
    ['Bob', 'Bob', false],
  ]);
  vi.advanceTimersByTime(60_000);
  expect(left).toEqual([]);
});

test('a participant who does not return in time has left, but not while returns would go unnoticed', () => {
  let connected = false;
  const { participants, left, states } = retained(() => connected);
  participants.awaitReturn('p:Ada');
  vi.advanceTimersByTime(15_000);
  expect(left).toEqual([]);
  connected = true;
  vi.advanceTimersByTime(10_000);
  expect(left).toEqual(['Ada']);
  expect(states()).toEqual([['Bob', 'Bob', false]]);
});

test('a participant who is missing and not awaited is removed', () => {
  const { participants, states } = retained();
  participants.update([peer('Bob')]);
  expect(states()).toEqual([['Bob', 'Bob', false]]);
});
