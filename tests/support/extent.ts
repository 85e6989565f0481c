/** The extent of a test: a short form in `npm test`, the full one in `npm run test:full`. */

/** The project `full` of vitest.config.ts sets the variable. */
export const isFull = process.env.WEIR_TEST_FULL === '1';

/** @returns `full` under `npm run test:full`, otherwise `short` */
export function extent<T>(short: T, full: T): T {
  return isFull ? full : short;
}
