/** Owns that what is done for many is done for all of them, some at a time. */
import { expect, test } from 'vitest';
import { forEachConcurrent } from '../../server/room/forEachConcurrent.ts';

test('each gets its turn, in order, and no more than some are under way at once', async () => {
  const begun: number[] = [];
  let [now, most] = [0, 0];
  await forEachConcurrent(
    Array.from({ length: 1000 }, (_, index) => index),
    async (one) => {
      begun.push(one);
      now += 1;
      most = Math.max(most, now);
      await new Promise(setImmediate);
      now -= 1;
    },
  );
  expect(begun).toEqual(Array.from({ length: 1000 }, (_, index) => index));
  expect(most).toBe(64);
});

test('one that never ends holds up nobody but whoever waits for all', async () => {
  const done: number[] = [];
  const all = forEachConcurrent(
    Array.from({ length: 200 }, (_, index) => index),
    (one) => (one === 0 ? new Promise(() => {}) : Promise.resolve(void done.push(one))),
  );
  await expect.poll(() => done.length).toBe(199);
  expect(await Promise.race([all.then(() => 'ended'), Promise.resolve('waits')])).toBe('waits');
});

test('of few all begin at once, before anything is waited for', () => {
  const begun: string[] = [];
  void forEachConcurrent(['a', 'b', 'c'], (one) => {
    begun.push(one);
    return new Promise(() => {});
  });
  expect(begun).toEqual(['a', 'b', 'c']);
});
