/** A loop with a limited number of tasks under way reaches every item. */
import { expect, test } from 'vitest';
import { forEachConcurrent } from '../../server/room/forEachConcurrent.ts';

test('each item gets its turn, in order, with at most 64 tasks under way', async () => {
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

test('a task that never ends delays none but whoever waits for all', async () => {
  const done: number[] = [];
  const all = forEachConcurrent(
    Array.from({ length: 200 }, (_, index) => index),
    (one) => (one === 0 ? new Promise(() => {}) : Promise.resolve(void done.push(one))),
  );
  await expect.poll(() => done.length).toBe(199);
  expect(await Promise.race([all.then(() => 'ended'), Promise.resolve('waits')])).toBe('waits');
});

test('few tasks all begin synchronously', () => {
  const begun: string[] = [];
  void forEachConcurrent(['a', 'b', 'c'], (one) => {
    begun.push(one);
    return new Promise(() => {});
  });
  expect(begun).toEqual(['a', 'b', 'c']);
});
