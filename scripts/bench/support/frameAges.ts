/** Evaluates a viewer's frames: their age at presentation, how many were readable, and the longest gap. */
import type { SeenFrame, ViewerStats } from './clockPages.ts';
import { timeOf } from './timePattern.ts';

/** Threshold of a white block: halfway between video black and white. */
const BRIGHT = 128;
/** Pixels: a narrower frame is of a lower layer, or was scaled down by an overloaded browser. */
const FULL = 1280;

export interface FrameAges {
  /** Time from drawing to presentation of the readable frames, in milliseconds. */
  readonly ages: readonly number[];
  /** All presented frames. */
  readonly frames: number;
  /** The longest gap between two presentations, in milliseconds. */
  readonly longest: number;
  /** Frames presented a second, and the share of them in full width. */
  readonly rate: number;
  readonly full: number;
  /** Latency that the viewer measures itself: half a round trip, jitter buffer, decoding; milliseconds. */
  readonly own: { readonly trip: number; readonly buffer: number; readonly decoding: number };
  readonly freezeCount: number;
}

/** @param before statistics when the first of `frames` was shown; `after` when the last one was */
export function frameAgesOf(frames: readonly SeenFrame[], before: ViewerStats, after: ViewerStats): FrameAges {
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
