/** Starts things side by side without losing one of them when another fails. */

/**
 * Waits until all of them have ended: whatever has started is registered by then, so that it can be closed.
 * @returns their results
 * @throws the first error
 */
export async function startAll<T extends readonly unknown[] | []>(
  started: T,
): Promise<{ -readonly [K in keyof T]: Awaited<T[K]> }> {
  await Promise.allSettled(started);
  return Promise.all(started);
}
