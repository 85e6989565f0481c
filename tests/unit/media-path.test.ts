/** Tests of MediaPath: when media counts as lost although signalling works. */
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { MediaPath } from '../../web/client/sfu/MediaPath.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

/** A link between two ends that send at these rates (each 10 ms), with the share that arrives, 0 to 1. */
class Link {
  readonly local = { sent: 0, received: 0 };
  readonly remote = { sent: 0, received: 0 };
  readonly rates = { up: 1, down: 1000 };
  readonly arriving = { up: 1, down: 1 };
  readonly changes: boolean[] = [];
  /** Requests to the server. */
  requests = 0;
  disconnected = false;
  readonly path = new MediaPath({
    local: async () => ({ ...this.local }),
    remote: async () => {
      this.requests += 1;
      if (this.disconnected) throw new Error('disconnected');
      return { ...this.remote };
    },
    onChange: () => this.changes.push(this.path.lost),
  });

  constructor() {
    setInterval(() => {
      const { rates, arriving, local, remote } = this;
      local.sent += rates.up;
      remote.received += rates.up * arriving.up;
      remote.sent += rates.down;
      local.received += rates.down * arriving.down;
    }, 10);
  }
}

test.each([
  ['both ways', { up: 0, down: 0 }],
  ['what we send', { up: 0, down: 1 }],
  ['what we receive', { up: 1, down: 0 }],
])('%s lost: detected after 300 ms, and so is the recovery', async (_, arriving) => {
  const link = new Link();
  Object.assign(link.arriving, arriving);
  void link.path.check();
  await vi.advanceTimersByTimeAsync(350);
  expect(link.path.lost).toBe(true);
  await vi.advanceTimersByTimeAsync(10_000);
  expect(link.path.lost).toBe(true);
  Object.assign(link.arriving, { up: 1, down: 1 });
  await vi.advanceTimersByTimeAsync(650);
  expect(link.changes).toEqual([true, false]);
  // No further requests.
  const { requests } = link;
  await vi.advanceTimersByTimeAsync(5000);
  expect(link.requests).toBe(requests);
});

test.each(['up', 'down'] as const)('packets that arrive late, %s, do not hide a loss', async (direction) => {
  const link = new Link();
  Object.assign(link.arriving, { up: 0, down: 0 });
  link.rates[direction === 'up' ? 'down' : 'up'] = 0;
  void link.path.check();
  await vi.advanceTimersByTimeAsync(150);
  if (direction === 'up') link.remote.received += 5;
  else link.local.received += 5000;
  await vi.advanceTimersByTimeAsync(500);
  expect(link.changes).toEqual([true]);
});

test('a link that loses nine packets of ten is not lost', async () => {
  const link = new Link();
  Object.assign(link.arriving, { up: 0.1, down: 0.1 });
  void link.path.check();
  await vi.advanceTimersByTimeAsync(3000);
  expect(link.changes).toEqual([]);
});

test('runs one check at a time, however many hints of a loss there are', async () => {
  const link = new Link();
  for (let sign = 0; sign < 10; sign += 1) void link.path.check();
  await vi.advanceTimersByTimeAsync(0);
  expect(link.requests).toBe(1);
});

test('a remote end that sends nothing is not a loss of ours', async () => {
  const link = new Link();
  Object.assign(link.rates, { up: 0, down: 0 });
  void link.path.check();
  await vi.advanceTimersByTimeAsync(3000);
  expect(link.changes).toEqual([]);
  const { requests } = link;
  await vi.advanceTimersByTimeAsync(3000);
  expect(link.requests).toBe(requests);
});

test('a loss that can no longer be observed is no longer reported', async () => {
  const link = new Link();
  link.arriving.down = 0;
  void link.path.check();
  await vi.advanceTimersByTimeAsync(350);
  expect(link.path.lost).toBe(true);
  link.rates.down = 0;
  await vi.advanceTimersByTimeAsync(2000);
  expect(link.path.lost).toBe(true);
  await vi.advanceTimersByTimeAsync(2000);
  expect(link.changes).toEqual([true, false]);
});

test('without signalling the state is unknown, and a later check starts anew', async () => {
  const link = new Link();
  link.arriving.down = 0;
  link.disconnected = true;
  await link.path.check();
  expect(link.changes).toEqual([]);
  link.disconnected = false;
  void link.path.check();
  void link.path.check();
  await vi.advanceTimersByTimeAsync(350);
  expect(link.changes).toEqual([true]);
  link.disconnected = true;
  await vi.advanceTimersByTimeAsync(350);
  expect(link.changes).toEqual([true, false]);
  link.path.close();
});
