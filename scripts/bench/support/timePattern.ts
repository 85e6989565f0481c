/** Encodes the time as a pattern of black and white blocks that survives video encoding, and decodes it. */

/** Blocks, row by row: 32 for the time, 8 for its checksum. */
export const GRID = { columns: 8, rows: 5 } as const;

/** Milliseconds after which the pattern repeats: 49 days. */
const CYCLE = 2 ** 32;

/**
 * The blocks of a moment, white ones true, lowest bit first.
 * The function is serialised into pages: it must not use anything from outside.
 * @param time milliseconds since 1970
 */
export function blocksOf(time: number): boolean[] {
  const bits = Array.from({ length: 32 }, (_, bit) => Math.floor(time / 2 ** bit) % 2 === 1);
  // CRC-8 (polynomial 0x07) with a non-zero initial value, so that an all-black picture is not a valid time.
  let check = 0xff;
  for (const bit of bits) {
    const carry = check >= 0x80 !== bit;
    check = ((check << 1) & 0xff) ^ (carry ? 0x07 : 0);
  }
  return [...bits, ...Array.from({ length: 8 }, (_, bit) => ((check >> bit) & 1) === 1)];
}

/**
 * Decodes the time from a picture.
 * @param blocks white ones true
 * @param near a reference time within days, in milliseconds since 1970
 * @returns milliseconds since 1970; undefined where the checksum fails
 */
export function timeOf(blocks: readonly boolean[], near: number): number | undefined {
  const low = blocks.slice(0, 32).reduce((sum, white, bit) => sum + (white ? 2 ** bit : 0), 0);
  const expected = blocksOf(low);
  if (blocks.length !== expected.length || expected.some((white, index) => white !== blocks[index])) return undefined;
  return low + Math.round((near - low) / CYCLE) * CYCLE;
}
