/** Owns how loudness is shown, and from when on a microphone counts as silent. */

/** A meter that stays this low for so long (milliseconds) means a microphone that is off, or the wrong one. */
export const SILENCE = { level: 0.001, after: 5000 };

/** How full a meter is at a level (root mean square): loudness is felt in decibels, -60 dB is nothing, 0 dB everything. */
export function levelToFraction(level: number): number {
  return level > 0 ? Math.max(0, 1 + Math.log10(level) / 3) : 0;
}
