/** How long a webhook waits before it is sent again. */

/** In milliseconds: after the first failure, and at most. */
const FIRST_DELAY = 1000;
const MAX_DELAY = 60_000;
/** The most that a receiver can ask for with `Retry-After`, in milliseconds. */
const MAX_RETRY_AFTER = 600_000;

/**
 * Doubles with each attempt. Half of it is random, so that the events of many rooms do not come back at once.
 * @param failures how often it has failed, from 1
 * @param retryAfter what the receiver has asked for, in milliseconds
 * @param random from 0 to 1
 * @returns milliseconds
 */
export function retryDelay(failures: number, retryAfter = 0, random: () => number = Math.random): number {
  const full = Math.min(MAX_DELAY, FIRST_DELAY * 2 ** Math.min(failures - 1, 10));
  return Math.max(full / 2 + (full / 2) * random(), Math.min(retryAfter, MAX_RETRY_AFTER));
}
