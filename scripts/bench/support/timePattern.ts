/** Owns the time as a pattern of black and white blocks that survives video encoding, and how it is read again. */

/** Blocks, row by row: 32 of the time, 8 of what tells whether those were read well. */
export const GRID = { columns: 8, rows: 5 } as const;

/** Milliseconds after which the pattern is the same again: 49 days. */
const CYCLE = 2 ** 32;

/**
 * The blocks of a moment, white ones true, the lowest bit first.
 * Pages are given it as text: it must use nothing that is outside of it.
 * @param time milliseconds since 1970
 */
export function blocksOf(time: number): boolean[] {
  const bits = Array.from({ length: 32 }, (_, bit) => Math.floor(time / 2 ** bit) % 2 === 1);
  // CRC-8 (polynomial 0x07); it does not begin with nothing, or a picture that is all black would be a moment.
  let check = 0xff;
  for (const bit of bits) {
    const carry = check >= 0x80 !== bit;
    check = ((check << 1) & 0xff) ^ (carry ? 0x07 : 0);
  }
  return [...bits, ...Array.from({ length: 8 }, (_, bit) => ((check >> bit) & 1) === 1)];
}

/**
 * The moment that a picture shows.
 * @param blocks as they look, white ones true
 * @param near a moment that is less than days away, in milliseconds since 1970
 * @returns milliseconds since 1970; undefined where they are no moment
 */
export function timeOf(blocks: readonly boolean[], near: number): number | undefined {
  const low = blocks.slice(0, 32).reduce((sum, white, bit) => sum + (white ? 2 ** bit : 0), 0);
  const expected = blocksOf(low);
  if (blocks.length !== expected.length || expected.some((white, index) => white !== blocks[index])) return undefined;
  return low + Math.round((near - low) / CYCLE) * CYCLE;
}
