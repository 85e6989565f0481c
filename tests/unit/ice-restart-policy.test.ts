/** Tests of IceRestartPolicy: when ICE is restarted, on request and while media is lost, and when that is given up. */
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import type { MediaConnectionState } from '../../web/client/events.ts';
import { IceRestartPolicy } from '../../web/client/sfu/IceRestartPolicy.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

/** A fake link: the test sets the ICE state and the server's replies; times are in milliseconds from its start. */
class Link {
  connection: MediaConnectionState = 'connected';
  reply: () => Promise<void> = async () => {};
  readonly log: string[] = [];
  readonly #createdAt = performance.now();
  readonly restarts = new IceRestartPolicy({
    restart: () => {
      this.#note('restart');
      return this.reply();
    },
    connection: () => this.connection,
    onGivenUp: () => this.#note('given up'),
  });

  setState(connection: MediaConnectionState): void {
    this.connection = connection;
    this.restarts.onConnectionChanged();
  }

  #note(what: string): void {
    this.log.push(`${what} ${performance.now() - this.#createdAt}`);
  }
}

test('a requested restart runs at once, however often states are reported meanwhile', async () => {
  const link = new Link();
  link.restarts.request();
  link.setState('lost');
  await vi.advanceTimersByTimeAsync(0);
  expect(link.log).toEqual(['restart 0']);
});

test('a second request soon after the first is not delayed by repeated states', async () => {
  const link = new Link();
  link.restarts.request();
  await vi.advanceTimersByTimeAsync(100);
  link.restarts.request();
  for (let at = 100; at < 6000; at += 100) {
    link.setState(at % 200 === 0 ? 'lost' : 'connecting');
    await vi.advanceTimersByTimeAsync(100);
  }
  expect(link.log).toEqual(['restart 0', 'restart 5200']);
});

test('a lost path is restarted 1.5 s after the loss, however often it is reported', async () => {
  const link = new Link();
  for (let at = 0; at < 2000; at += 100) {
    link.setState('lost');
    await vi.advanceTimersByTimeAsync(100);
  }
  expect(link.log).toEqual(['restart 1500']);
});

test('a path that recovers by itself is not restarted', async () => {
  const link = new Link();
  link.setState('lost');
  await vi.advanceTimersByTimeAsync(1400);
  link.setState('connected');
  await vi.advanceTimersByTimeAsync(10_000);
  expect(link.log).toEqual([]);
});

test('a path that is lost again counts from the second loss', async () => {
  const link = new Link();
  link.setState('lost');
  await vi.advanceTimersByTimeAsync(1000);
  link.setState('connected');
  await vi.advanceTimersByTimeAsync(59_000);
  link.setState('lost');
  await vi.advanceTimersByTimeAsync(3000);
  expect(link.log).toEqual(['restart 61500']);
});

test('a refused restart is retried if it was requested, up to five times', async () => {
  const link = new Link();
  link.reply = () => Promise.reject(new Error('rate limited'));
  link.restarts.request();
  await vi.advanceTimersByTimeAsync(60_000);
  expect(link.log).toEqual([0, 5200, 10_400, 15_600, 20_800].map((at) => `restart ${at}`));
});

test('a refused restart is not retried once the path works', async () => {
  const link = new Link();
  link.reply = () => Promise.reject(new Error('rate limited'));
  link.restarts.request();
  await vi.advanceTimersByTimeAsync(0);
  link.reply = () => Promise.resolve();
  await vi.advanceTimersByTimeAsync(60_000);
  expect(link.log).toEqual(['restart 0', 'restart 5200']);
});

test('media without a path for half a minute has failed, and nothing is tried any more', async () => {
  const link = new Link();
  link.setState('lost');
  await vi.advanceTimersByTimeAsync(120_000);
  expect(link.log.at(-1)).toMatch(/^given up 3[0-9]{4}$/);
  expect(link.log.filter((entry) => entry.startsWith('given up'))).toHaveLength(1);
});

test('attempts to connect during a loss do not end it', async () => {
  const link = new Link();
  const fail = async (times: number) => {
    for (let time = 0; time < times; time += 1) {
      link.setState('lost');
      await vi.advanceTimersByTimeAsync(1700);
      link.setState('connecting');
      await vi.advanceTimersByTimeAsync(100);
    }
    link.setState('lost');
  };
  const givenUp = () => link.log.filter((entry) => entry.startsWith('given up'));
  await fail(16);
  expect(link.log.length).toBeGreaterThan(3);
  expect(givenUp()).toEqual([]);
  await fail(4);
  expect(givenUp()).toHaveLength(1);
});
