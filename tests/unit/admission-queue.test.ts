/** The queue of joins: limited concurrency, one room after the other, limited length and waiting time. */
import { describe, expect, test, vi } from 'vitest';
import { AdmissionQueue } from '../../server/room/AdmissionQueue.ts';

const options = { concurrency: 1, length: 4, timeout: 60_000, open: () => true };

/** Waits for a turn, and records when it comes. */
function enter(queue: AdmissionQueue, room: string, log: string[], name: string): { turn: Promise<Disposable> } {
  const turn = queue.enter(room);
  turn.then(
    () => log.push(name),
    (error: Error) => log.push(`${name}: ${error.message}`),
  );
  return { turn };
}

describe('the queue of joins', () => {
  test('admits at once up to its concurrency, and the next when one has finished', async () => {
    const queue = new AdmissionQueue(options);
    const log: string[] = [];
    const first = await queue.enter('room');
    const { turn } = enter(queue, 'room', log, 'second');
    await Promise.resolve();
    expect([log, queue.waiting]).toEqual([[], 1]);
    first[Symbol.dispose]();
    (await turn)[Symbol.dispose]();
    expect([log, queue.waiting]).toEqual([['second'], 0]);
    (await queue.enter('room'))[Symbol.dispose]();
  });

  test('counts a turn that is disposed of twice once', async () => {
    const queue = new AdmissionQueue(options);
    const first = await queue.enter('room');
    first[Symbol.dispose]();
    first[Symbol.dispose]();
    const second = await queue.enter('room');
    const log: string[] = [];
    enter(queue, 'room', log, 'third');
    await Promise.resolve();
    expect(queue.waiting).toBe(1);
    second[Symbol.dispose]();
    await vi.waitUntil(() => log.length === 1);
  });

  test('takes one of each room in turn, so that a room with many joins does not delay the others', async () => {
    const queue = new AdmissionQueue(options);
    const log: string[] = [];
    const first = await queue.enter('busy');
    for (const name of ['a', 'b', 'c']) {
      void enter(queue, 'busy', log, name).turn.then((turn) => setImmediate(() => turn[Symbol.dispose]()));
    }
    void enter(queue, 'quiet', log, 'other').turn.then((turn) => setImmediate(() => turn[Symbol.dispose]()));
    first[Symbol.dispose]();
    await vi.waitUntil(() => log.length === 4);
    expect(log).toEqual(['a', 'other', 'b', 'c']);
  });

  test('refuses at once when it is full, and says when to retry', async () => {
    const queue = new AdmissionQueue({ ...options, length: 1 });
    const first = await queue.enter('room');
    const waiting = queue.enter('room');
    const error = await queue.enter('room').catch((reason: unknown) => reason);
    expect(error).toMatchObject({ code: 'busy' });
    const { retryAfter } = error as { retryAfter: number };
    expect(retryAfter).toBeGreaterThanOrEqual(5);
    expect(retryAfter).toBeLessThanOrEqual(10);
    first[Symbol.dispose]();
    (await waiting)[Symbol.dispose]();
  });

  test('refuses after the timeout', async () => {
    const queue = new AdmissionQueue({ ...options, timeout: 30, open: () => false });
    await expect(queue.enter('room')).rejects.toMatchObject({ code: 'busy', retryAfter: expect.any(Number) });
    expect(queue.waiting).toBe(0);
  });

  test('admits when the server can take joins again, although none is under way that could end', async () => {
    let open = false;
    const queue = new AdmissionQueue({ ...options, open: () => open });
    const turn = queue.enter('room');
    open = true;
    (await turn)[Symbol.dispose]();
  });

  test('removes at once whose signal is aborted, and gives the turn to the next', async () => {
    const queue = new AdmissionQueue({ ...options, length: 1 });
    const first = await queue.enter('room');
    const aborted = new AbortController();
    const waiting = queue.enter('room', aborted.signal);
    await expect(queue.enter('room')).rejects.toMatchObject({ code: 'busy' });
    aborted.abort();
    await expect(waiting).rejects.toMatchObject({ code: 'closed' });
    expect(queue.waiting).toBe(0);
    // There is room in the queue again. Once somebody has a turn, the signal has no effect.
    const kept = new AbortController();
    const next = queue.enter('room', kept.signal);
    first[Symbol.dispose]();
    const turn = await next;
    kept.abort();
    turn[Symbol.dispose]();
    await expect(queue.enter('room', aborted.signal)).rejects.toMatchObject({ code: 'closed' });
    (await queue.enter('room'))[Symbol.dispose]();
  });

  test('refuses everyone when it closes', async () => {
    const queue = new AdmissionQueue({ ...options, open: () => false });
    const waiting = [queue.enter('a'), queue.enter('b')];
    queue.close();
    for (const one of waiting) await expect(one).rejects.toMatchObject({ code: 'unavailable' });
    expect(queue.waiting).toBe(0);
  });
});
