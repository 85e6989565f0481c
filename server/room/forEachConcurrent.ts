/** A loop over many items with a limited number of tasks under way, so that others get their turn in between. */

/** How many tasks are under way at once. They share a media worker and this process with everybody else. */
const CONCURRENCY = 64;

/**
 * Runs `task` for each item, in order, at most 64 at a time; a slow task occupies one of these places only.
 * @param task must not reject
 */
export async function forEachConcurrent<T>(items: Iterable<T>, task: (item: T) => Promise<void>): Promise<void> {
  const remaining = items[Symbol.iterator]();
  const runLane = async () => {
    for (let next = remaining.next(); !next.done; next = remaining.next()) await task(next.value);
  };
  await Promise.all(Array.from({ length: CONCURRENCY }, runLane));
}
