/** Owns the rules of the line at the door: so many abreast, room by room in turn, bounded, and not for ever. */
import { describe, expect, test, vi } from 'vitest';
import { AdmissionQueue } from '../../server/room/AdmissionQueue.ts';

const options = { concurrency: 1, length: 4, timeout: 60_000, open: () => true };

/** Asks for a turn, and notes when there is one. */
function ask(doorway: AdmissionQueue, room: string, log: string[], name: string): { turn: Promise<Disposable> } {
  const turn = doorway.enter(room);
  turn.then(
    () => log.push(name),
    (error: Error) => log.push(`${name}: ${error.message}`),
  );
  return { turn };
}

describe('a line', () => {
  test('lets in at once while there is room, and the next when one is in', async () => {
    const doorway = new AdmissionQueue(options);
    const log: string[] = [];
    const first = await doorway.enter('room');
    const { turn } = ask(doorway, 'room', log, 'second');
    await Promise.resolve();
    expect([log, doorway.waiting]).toEqual([[], 1]);
    first[Symbol.dispose]();
    (await turn)[Symbol.dispose]();
    expect([log, doorway.waiting]).toEqual([['second'], 0]);
    (await doorway.enter('room'))[Symbol.dispose]();
  });

  test('a turn that is given back twice is one', async () => {
    const doorway = new AdmissionQueue(options);
    const first = await doorway.enter('room');
    first[Symbol.dispose]();
    first[Symbol.dispose]();
    const second = await doorway.enter('room');
    const log: string[] = [];
    ask(doorway, 'room', log, 'third');
    await Promise.resolve();
    expect(doorway.waiting).toBe(1);
    second[Symbol.dispose]();
    await vi.waitUntil(() => log.length === 1);
  });

  test('goes room by room: who pours into one keeps nobody waiting who wants into another', async () => {
    const doorway = new AdmissionQueue(options);
    const log: string[] = [];
    const first = await doorway.enter('busy');
    for (const name of ['a', 'b', 'c']) {
      void ask(doorway, 'busy', log, name).turn.then((turn) => setImmediate(() => turn[Symbol.dispose]()));
    }
    void ask(doorway, 'quiet', log, 'other').turn.then((turn) => setImmediate(() => turn[Symbol.dispose]()));
    first[Symbol.dispose]();
    await vi.waitUntil(() => log.length === 4);
    expect(log).toEqual(['a', 'other', 'b', 'c']);
  });

  test('that is full refuses at once, and says when to come again', async () => {
    const doorway = new AdmissionQueue({ ...options, length: 1 });
    const first = await doorway.enter('room');
    const waiting = doorway.enter('room');
    const error = await doorway.enter('room').catch((reason: unknown) => reason);
    expect(error).toMatchObject({ code: 'busy' });
    const { retryAfter } = error as { retryAfter: number };
    expect(retryAfter).toBeGreaterThanOrEqual(5);
    expect(retryAfter).toBeLessThanOrEqual(10);
    first[Symbol.dispose]();
    (await waiting)[Symbol.dispose]();
  });

  test('refuses who has waited too long, and forgets them', async () => {
    const doorway = new AdmissionQueue({ ...options, timeout: 30, open: () => false });
    await expect(doorway.enter('room')).rejects.toMatchObject({ code: 'busy', retryAfter: expect.any(Number) });
    expect(doorway.waiting).toBe(0);
  });

  test('goes on when the door opens, though nobody was inside to let the next one in', async () => {
    let open = false;
    const doorway = new AdmissionQueue({ ...options, open: () => open });
    const turn = doorway.enter('room');
    open = true;
    (await turn)[Symbol.dispose]();
  });

  test('lets go of who gives up, at once, and does not let them in any more', async () => {
    const doorway = new AdmissionQueue({ ...options, length: 1 });
    const first = await doorway.enter('room');
    const impatient = new AbortController();
    const waiting = doorway.enter('room', impatient.signal);
    await expect(doorway.enter('room')).rejects.toMatchObject({ code: 'busy' });
    impatient.abort();
    await expect(waiting).rejects.toMatchObject({ code: 'closed' });
    expect(doorway.waiting).toBe(0);
    // The place in line is free again, the turn is the next one's, and the signal has no say any more.
    const patient = new AbortController();
    const next = doorway.enter('room', patient.signal);
    first[Symbol.dispose]();
    const turn = await next;
    patient.abort();
    turn[Symbol.dispose]();
    await expect(doorway.enter('room', impatient.signal)).rejects.toMatchObject({ code: 'closed' });
    (await doorway.enter('room'))[Symbol.dispose]();
  });

  test('that ends turns everyone away', async () => {
    const doorway = new AdmissionQueue({ ...options, open: () => false });
    const waiting = [doorway.enter('a'), doorway.enter('b')];
    doorway.close();
    for (const one of waiting) await expect(one).rejects.toMatchObject({ code: 'unavailable' });
    expect(doorway.waiting).toBe(0);
  });
});
