/** Waits for a condition by polling. */
import { setTimeout } from 'node:timers/promises';

/**
 * Polls until `fact` is true, or not undefined.
 * @param within timeout in milliseconds
 * @param interval between two looks, in milliseconds
 * @throws {Error} that says what was not reached
 */
export async function until<T>(
  what: string,
  within: number,
  fact: () => T | Promise<T>,
  interval = 5,
): Promise<Exclude<T, false | undefined | null | 0 | ''>> {
  const late = performance.now() + within;
  for (;;) {
    const found = await fact();
    if (isSomething(found)) return found;
    if (performance.now() > late) throw new Error(`${what}: not within ${(within / 1000).toFixed(1)} s`);
    await setTimeout(interval);
  }
}

function isSomething<T>(value: T): value is Exclude<T, false | undefined | null | 0 | ''> {
  return Boolean(value);
}
