/** Owns doing something for many without taking the process from everybody else while it lasts. */

/** So many at once: what is shared by all, a worker and this process, has turns for others in between. */
const CONCURRENCY = 64;

/**
 * Runs `task` for each, some at a time; one that takes long keeps one place only.
 * @param task never rejects
 */
export async function forEachConcurrent<T>(all: Iterable<T>, task: (one: T) => Promise<void>): Promise<void> {
  const waiting = all[Symbol.iterator]();
  const lane = async () => {
    for (let next = waiting.next(); !next.done; next = waiting.next()) await task(next.value);
  };
  await Promise.all(Array.from({ length: CONCURRENCY }, lane));
}
