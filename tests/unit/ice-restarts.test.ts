import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import type { MediaConnectionState } from '../../web/client/events.ts';
import { IceRestartPolicy } from '../../web/client/sfu/IceRestartPolicy.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

/** Restarts of a link whose state and server are in the test's hands; all times in milliseconds from its beginning. */
class Link {
  connection: MediaConnectionState = 'connected';
  answer: () => Promise<void> = async () => {};
  readonly log: string[] = [];
  readonly #began = performance.now();
  readonly restarts = new IceRestartPolicy({
    restart: () => {
      this.#note('restart');
      return this.answer();
    },
    connection: () => this.connection,
    onGivenUp: () => this.#note('hopeless'),
  });

  becomes(connection: MediaConnectionState): void {
    this.connection = connection;
    this.restarts.onConnectionChanged();
  }

  #note(what: string): void {
    this.log.push(`${what} ${performance.now() - this.#began}`);
  }
}

test('one that is wanted comes at once, however often states are told meanwhile', async () => {
  const link = new Link();
  link.restarts.request();
  link.becomes('lost');
  await vi.advanceTimersByTimeAsync(0);
  expect(link.log).toEqual(['restart 0']);
});

test('one that is wanted soon after another is not put off by states that repeat', async () => {
  const link = new Link();
  link.restarts.request();
  await vi.advanceTimersByTimeAsync(100);
  link.restarts.request();
  for (let at = 100; at < 6000; at += 100) {
    link.becomes(at % 200 === 0 ? 'lost' : 'connecting');
    await vi.advanceTimersByTimeAsync(100);
  }
  expect(link.log).toEqual(['restart 0', 'restart 5200']);
});

test('a way that stays lost is restarted 1.5 s after it was lost, however often that is told', async () => {
  const link = new Link();
  for (let at = 0; at < 2000; at += 100) {
    link.becomes('lost');
    await vi.advanceTimersByTimeAsync(100);
  }
  expect(link.log).toEqual(['restart 1500']);
});

test('a way that comes back by itself is left alone', async () => {
  const link = new Link();
  link.becomes('lost');
  await vi.advanceTimersByTimeAsync(1400);
  link.becomes('connected');
  await vi.advanceTimersByTimeAsync(10_000);
  expect(link.log).toEqual([]);
});

test('a way that is lost again has been lost since then only', async () => {
  const link = new Link();
  link.becomes('lost');
  await vi.advanceTimersByTimeAsync(1000);
  link.becomes('connected');
  await vi.advanceTimersByTimeAsync(59_000);
  link.becomes('lost');
  await vi.advanceTimersByTimeAsync(3000);
  expect(link.log).toEqual(['restart 61500']);
});

test('one that the server refuses is tried again where somebody asked for it, five times in all', async () => {
  const link = new Link();
  link.answer = () => Promise.reject(new Error('rate limited'));
  link.restarts.request();
  await vi.advanceTimersByTimeAsync(60_000);
  expect(link.log).toEqual([0, 5200, 10_400, 15_600, 20_800].map((at) => `restart ${at}`));
});

test('one that is refused once is not asked for again after it has worked', async () => {
  const link = new Link();
  link.answer = () => Promise.reject(new Error('rate limited'));
  link.restarts.request();
  await vi.advanceTimersByTimeAsync(0);
  link.answer = () => Promise.resolve();
  await vi.advanceTimersByTimeAsync(60_000);
  expect(link.log).toEqual(['restart 0', 'restart 5200']);
});

test('media that has had no way for half a minute is hopeless, and nothing is tried any more', async () => {
  const link = new Link();
  link.becomes('lost');
  await vi.advanceTimersByTimeAsync(120_000);
  expect(link.log.at(-1)).toMatch(/^hopeless 3[0-9]{4}$/);
  expect(link.log.filter((line) => line.startsWith('hopeless'))).toHaveLength(1);
});
