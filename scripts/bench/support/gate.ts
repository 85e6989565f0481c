/** The regression gate: compares fresh ratios with the committed ones. */

import { intervalOf, ratioText } from './format.ts';
import type { Ratio } from './pairs.ts';

/** The relative regression that is tolerated. */
export const TOLERANCE = 0.1;

export interface Drop {
  readonly name: string;
  readonly committed: Ratio;
  readonly fresh: Ratio;
  /** Relative regression against the committed ratio: 0.25 is a quarter. */
  readonly worse: number;
  /** The two intervals do not overlap: noise does not explain the difference. */
  readonly certain: boolean;
}

export interface Verdict {
  readonly drops: readonly Drop[];
  /** Committed ratios that this run did not measure. */
  readonly missing: readonly string[];
}

/**
 * Compares ratios rather than absolute figures: both sides of a pair run on the same machine, so ratios carry over to
 * another. A new ratio has no baseline and cannot regress.
 */
export function compare(fresh: readonly Ratio[], committed: readonly Ratio[], tolerance = TOLERANCE): Verdict {
  const drops: Drop[] = [];
  const missing: string[] = [];
  for (const before of committed) {
    const now = fresh.find(({ name }) => name === before.name);
    if (!now) {
      missing.push(before.name);
      continue;
    }
    const change = (now.ratio - before.ratio) / before.ratio;
    const worse = before.better === 'lower' ? change : -change;
    const certain = before.better === 'lower' ? now.low > before.high : now.high < before.low;
    if (worse > tolerance) drops.push({ name: before.name, committed: before, fresh: now, worse, certain });
  }
  return { drops, missing };
}

/**
 * The drops that fail. A drop whose interval does not overlap the committed one fails at once. One whose intervals
 * overlap may be noise: everything is measured a second time, and it fails if the ratio dropped again. A true
 * regression of 10 % therefore rarely passes by noise alone.
 * @param again drops of the second measurement; undefined before it
 */
export function failing(drops: readonly Drop[], again?: readonly Drop[]): Drop[] {
  return drops.filter(({ name, certain }) => certain || again?.some((other) => other.name === name));
}

/** Formats a drop in one line. */
export function lineOf({ name, committed, fresh, worse, certain }: Drop): string {
  const told = (found: Ratio) => `${ratioText(found.ratio)} (${intervalOf(found)})`;
  const noise = certain ? '' : '; the intervals overlap';
  return `${name}: ${Math.round(worse * 100)} % worse: ${told(fresh)} instead of ${told(committed)}${noise}`;
}
