/** How much a test does: a short form in `npm test`, all of it in `npm run test:full`. */

/** The project `full` of vitest.config.ts sets the variable. */
export const isFull = process.env.WEIR_TEST_FULL === '1';

/** @returns `full` under `npm run test:full`, otherwise `short` */
export function extent<T>(short: T, full: T): T {
  return isFull ? full : short;
}
