/** Owns what a viewer's frames come to: how old each was when it was shown, how many could be read, how long nothing came. */
import type { SeenFrame, ViewerStats } from './clockPages.ts';
import { timeOf } from './timePattern.ts';

/** A block that is brighter is white: halfway between video's black and its white. */
const BRIGHT = 128;
/** Pixels: what is narrower is of a lower layer, or was made narrower by a browser that had no time for more. */
const FULL = 1280;

export interface PictureAges {
  /** From drawing to presentation, in milliseconds, of the frames that could be read. */
  readonly ages: readonly number[];
  /** All that were presented. */
  readonly frames: number;
  /** The longest time from one presentation to the next, in milliseconds. */
  readonly longest: number;
  /** Presented a second, and how many of all were as wide as what is published. */
  readonly rate: number;
  readonly full: number;
  /** What the viewer can tell by itself: half a round trip, the wait in the jitter buffer, decoding; milliseconds. */
  readonly own: { readonly trip: number; readonly buffer: number; readonly decoding: number };
  readonly freezeCount: number;
}

/** @param before what was counted when the first of `frames` was shown, and `after` when the last one was */
export function pictureAgesOf(frames: readonly SeenFrame[], before: ViewerStats, after: ViewerStats): PictureAges {
  const ages = frames.flatMap(({ at, blocks }) => {
    const drawn = timeOf(
      blocks.map((brightness) => brightness > BRIGHT),
      at,
    );
    return drawn === undefined ? [] : [at - drawn];
  });
  const moments = frames.map(({ at }) => at);
  const pauses = moments.slice(1).map((at, index) => at - (moments[index] ?? at));
  const span = (moments.at(-1) ?? 0) - (moments[0] ?? 0);
  const mean = (time: 'buffered' | 'decoding', count: 'emitted' | 'decoded') =>
    (after[time] - before[time]) / Math.max(1, after[count] - before[count]);
  return {
    ages,
    frames: frames.length,
    longest: Math.max(0, ...pauses),
    rate: span > 0 ? (pauses.length * 1000) / span : 0,
    full: frames.filter(({ width }) => width >= FULL).length,
    own: { trip: after.roundTrip / 2, buffer: mean('buffered', 'emitted'), decoding: mean('decoding', 'decoded') },
    freezeCount: after.freezeCount - before.freezeCount,
  };
}
