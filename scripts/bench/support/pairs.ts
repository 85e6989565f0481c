/** Paired comparison: A and B are measured in interleaved pairs and reported as a ratio with its interval. */
import { type Random, randomFrom } from '../../support/random.ts';
import { median, medianInterval } from '../../support/statistics/median.ts';

/** The minimum number of pairs for a useful interval. */
export const MIN_PAIRS = 10;

/** Results of one pair: A is under test (Weir), B is the baseline. */
export interface Pair<T> {
  readonly a: T;
  readonly b: T;
  /** Which of the two ran first. */
  readonly first: 'a' | 'b';
}

export interface PairsOptions {
  /** At least `MIN_PAIRS`, which is also the default. */
  readonly pairs?: number;
  /** `alternating` runs AB, BA, AB, ..., which cancels a steady drift; `random` draws the order of each pair. */
  readonly order?: 'alternating' | 'random';
  /** Seed of `random`; the same seed gives the same orders. */
  readonly seed?: number;
  /** Discarded pairs at the start, which warm up caches, compilers and sockets. */
  readonly warmUp?: number;
  /** Called after each pair, numbered from 1; not for warm-up pairs. */
  onPair?(pair: number, of: number): void;
}

export interface Goal {
  /** The target ratio: at most this where lower is better, at least this where higher is. */
  readonly ratio: number;
  /** Justification of the target. */
  readonly why: string;
}

/** A comparison. `a`, `b` and `unit` describe what was measured; `ratio` is the median of a/b over the pairs. */
export interface Ratio {
  readonly name: string;
  /** Medians. */
  readonly a: number;
  readonly b: number;
  readonly ratio: number;
  /** Bounds of the 95 % interval of `ratio`. */
  readonly low: number;
  readonly high: number;
  readonly pairs: number;
  /** Of `a` and `b`. */
  readonly unit: string;
  /** The direction in which `a` is better. */
  readonly better: 'lower' | 'higher';
  readonly goal?: Goal;
}

export interface RatioOptions {
  readonly name: string;
  readonly unit: string;
  readonly better: Ratio['better'];
  readonly goal?: Goal;
}

/**
 * Measures A and B in pairs, never concurrently. A measurement may return several figures: `T` is its result, and
 * `ratioOf` makes one ratio of each figure.
 * @throws {RangeError} for too few pairs; what a measurement throws, at once
 */
export async function runPairs<T>(
  measureA: () => Promise<T>,
  measureB: () => Promise<T>,
  { pairs = MIN_PAIRS, order = 'alternating', seed = 1, warmUp = 0, onPair }: PairsOptions = {},
): Promise<Pair<T>[]> {
  if (pairs < MIN_PAIRS) throw new RangeError(`A comparison takes ${MIN_PAIRS} pairs or more, not ${pairs}.`);
  const firsts = ordersOf(pairs + warmUp, order, randomFrom(seed));
  const results: Pair<T>[] = [];
  for (const [index, first] of firsts.entries()) {
    const pair = first === 'a' ? { a: await measureA(), b: await measureB() } : await inReverse(measureA, measureB);
    if (index < warmUp) continue;
    results.push({ ...pair, first });
    onPair?.(results.length, pairs);
  }
  return results;
}

/** Which side runs first in each pair. */
export function ordersOf(count: number, order: 'alternating' | 'random', random: Random): ('a' | 'b')[] {
  return Array.from({ length: count }, (_, index) =>
    order === 'alternating' ? (index % 2 === 0 ? 'a' : 'b') : random.pick(['a', 'b']),
  );
}

/**
 * The ratio of one figure over all pairs, each pair counting once, so that conditions common to both halves of a pair
 * cancel out.
 * @throws {RangeError} for too few pairs, or a figure that is not positive and finite
 */
export function ratioOf(pairs: readonly Pair<number>[], { name, unit, better, goal }: RatioOptions): Ratio {
  if (pairs.length < MIN_PAIRS) throw new RangeError(`${name}: ${pairs.length} pairs are too few.`);
  for (const figure of pairs.flatMap(({ a, b }) => [a, b])) {
    if (!(figure > 0 && Number.isFinite(figure))) throw new RangeError(`${name}: ${figure} ${unit} has no ratio.`);
  }
  const ratios = pairs.map(({ a, b }) => a / b);
  const { low, high } = medianInterval(ratios);
  return {
    name,
    a: median(pairs.map(({ a }) => a)),
    b: median(pairs.map(({ b }) => b)),
    ratio: median(ratios),
    low,
    high,
    pairs: pairs.length,
    unit,
    better,
    ...(goal && { goal }),
  };
}

/**
 * Merges two consecutive pairs, A B and B A, into one, so that a drift within them cancels.
 * @param together combines two measurements
 */
export function inTwos<T>(pairs: readonly Pair<T>[], together: (one: T, other: T) => T): Pair<T>[] {
  return pairs.flatMap((pair, index) => {
    const next = pairs[index + 1];
    if (index % 2 === 1 || !next) return [];
    return [{ a: together(pair.a, next.a), b: together(pair.b, next.b), first: pair.first }];
  });
}

/** Extracts one figure of every pair, for `ratioOf`. */
export function figuresOf<T>(pairs: readonly Pair<T>[], figure: (result: T) => number): Pair<number>[] {
  return pairs.map(({ a, b, first }) => ({ a: figure(a), b: figure(b), first }));
}

/** Whether the goal is reached: `unclear` where it lies inside the interval; undefined without a goal. */
export function reached({ goal, better, low, high }: Ratio): 'yes' | 'no' | 'unclear' | undefined {
  if (!goal) return undefined;
  const [worst, best] = better === 'lower' ? [high, low] : [low, high];
  const enough = (ratio: number) => (better === 'lower' ? ratio <= goal.ratio : ratio >= goal.ratio);
  return enough(worst) ? 'yes' : enough(best) ? 'unclear' : 'no';
}

async function inReverse<T>(measureA: () => Promise<T>, measureB: () => Promise<T>): Promise<{ a: T; b: T }> {
  const b = await measureB();
  return { a: await measureA(), b };
}
