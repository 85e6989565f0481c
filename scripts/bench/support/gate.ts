/** Owns the gate: names what has become worse than the committed figures say. */
import type { Ratio } from './pairs.ts';
import { intervalOf, ratioText } from './words.ts';

/** A ratio may be so much worse, as a share, before it is named. */
export const TOLERANCE = 0.1;

export interface Drop {
  readonly name: string;
  readonly committed: Ratio;
  readonly fresh: Ratio;
  /** How much worse, as a share of the committed ratio: 0.25 is a quarter. */
  readonly worse: number;
  /** The two intervals have nothing in common: noise does not explain it. */
  readonly certain: boolean;
}

export interface Verdict {
  readonly drops: readonly Drop[];
  /** Committed ratios that nobody measured this time: whatever happened to them is not known. */
  readonly missing: readonly string[];
}

/**
 * Compares ratios, not figures: those hold on another machine, too, as far as both sides of a pair ran on it. A ratio that
 * is new has nothing to drop from.
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
 * Those drops that fail. One whose interval has nothing in common with the committed one does so at once; one whose
 * intervals overlap may be noise, so it is measured once more, and fails if the ratio has dropped again. A ratio that is
 * 10 % worse in truth does not pass by being noisy, unless it is lucky: what is measured again is a whole comparison.
 * @param again what dropped when everything was measured once more; undefined before that
 */
export function failing(drops: readonly Drop[], again?: readonly Drop[]): Drop[] {
  return drops.filter(({ name, certain }) => certain || again?.some((other) => other.name === name));
}

/** A drop in one line, for people. */
export function lineOf({ name, committed, fresh, worse, certain }: Drop): string {
  const told = (found: Ratio) => `${ratioText(found.ratio)} (${intervalOf(found)})`;
  const noise = certain ? '' : '; the intervals overlap';
  return `${name}: ${Math.round(worse * 100)} % worse: ${told(fresh)} instead of ${told(committed)}${noise}`;
}
