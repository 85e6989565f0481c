/** Owns how two things are compared: measured in interleaved pairs, told as a ratio with its interval. */
import { type Random, randomFrom } from '../../support/random.ts';
import { median, medianInterval } from '../../support/statistics/median.ts';

/** Fewer pairs than this say too little. */
export const MIN_PAIRS = 10;

/** What one pair gave: A is what is judged (Weir), B is what it is compared with. */
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
  /** What `random` draws from; the same seed gives the same orders. */
  readonly seed?: number;
  /** Pairs that run first and are forgotten: caches, compilers and sockets get warm in them. */
  readonly warmUp?: number;
  /** Hears each pair as it is done, numbered from 1; those of the warm-up are not told. */
  onPair?(pair: number, of: number): void;
}

export interface Goal {
  /** The ratio to reach: at most this where lower is better, at least this where higher is. */
  readonly ratio: number;
  /** Why this much. */
  readonly why: string;
}

/** A comparison. `a`, `b` and `unit` are what was measured; `ratio` is the median of a/b over the pairs. */
export interface Ratio {
  readonly name: string;
  /** Medians. */
  readonly a: number;
  readonly b: number;
  readonly ratio: number;
  /** Ends of the 95 % interval of `ratio`. */
  readonly low: number;
  readonly high: number;
  readonly pairs: number;
  /** Of `a` and `b`. */
  readonly unit: string;
  /** Which `a` is the better one. */
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
 * Measures A and B in pairs, never two at the same time. A measurement may give several figures: `T` is whatever it
 * finds, and `ratioOf` makes one ratio of each figure.
 * @throws {RangeError} for too few pairs; whatever a measurement throws, at once
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

/** Which of the two runs first in each pair. */
export function ordersOf(count: number, order: 'alternating' | 'random', random: Random): ('a' | 'b')[] {
  return Array.from({ length: count }, (_, index) =>
    order === 'alternating' ? (index % 2 === 0 ? 'a' : 'b') : random.pick(['a', 'b']),
  );
}

/**
 * The ratio of one figure over all pairs, each pair counting once, so that what both halves of a pair met in common
 * cancels out.
 * @throws {RangeError} for too few pairs, or a figure that is not positive and finite: it has no ratio
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
 * Two pairs that followed each other, A B and B A, as one, so that a drift within them cancels.
 * @param together makes one measurement of two
 */
export function inTwos<T>(pairs: readonly Pair<T>[], together: (one: T, other: T) => T): Pair<T>[] {
  return pairs.flatMap((pair, index) => {
    const next = pairs[index + 1];
    if (index % 2 === 1 || !next) return [];
    return [{ a: together(pair.a, next.a), b: together(pair.b, next.b), first: pair.first }];
  });
}

/** One figure of every pair, for `ratioOf`. */
export function figuresOf<T>(pairs: readonly Pair<T>[], figure: (result: T) => number): Pair<number>[] {
  return pairs.map(({ a, b, first }) => ({ a: figure(a), b: figure(b), first }));
}

/** Whether the goal is reached: `unclear` where the interval has it inside; undefined where there is none. */
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
