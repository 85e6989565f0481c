/** Pauses between the frames that somebody sees. */

/**
 * The longest time between two consecutive frames, in milliseconds.
 * @param times when frames were presented, in order
 * @throws {RangeError} for less than two frames
 */
export function longestPause(times: readonly number[]): number {
  if (times.length < 2) throw new RangeError(`There is no pause between ${times.length} frames.`);
  return Math.max(...times.slice(1).map((time, index) => time - (times[index] ?? time)));
}
