/** Summary statistics of a list of values: count, mean, extremes and quantiles. */

/** Distribution of a measure. Times are in milliseconds. All fields but `count` are 0 where `count` is. */
export interface Distribution {
  readonly count: number;
  readonly mean: number;
  readonly min: number;
  readonly p50: number;
  readonly p95: number;
  readonly p99: number;
  readonly max: number;
}

/** The quantiles are values that occurred (nearest rank). */
export function distributionOf(values: Iterable<number>): Distribution {
  const sorted = Float64Array.from(values).sort();
  const count = sorted.length;
  const quantile = (share: number) => sorted[rankOf(share, count) - 1] ?? 0;
  return {
    count,
    mean: count > 0 ? sorted.reduce((sum, value) => sum + value, 0) / count : 0,
    min: sorted[0] ?? 0,
    p50: quantile(0.5),
    p95: quantile(0.95),
    p99: quantile(0.99),
    max: sorted.at(-1) ?? 0,
  };
}

/** Nearest-rank percentile. @throws {RangeError} without values */
export function percentile(values: readonly number[], percent: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  const found = sorted[rankOf(percent / 100, sorted.length) - 1];
  if (found === undefined) throw new RangeError('No values have no percentile.');
  return found;
}

/** Rank from 1. Rounding errors of floating-point products must not raise it. */
export function rankOf(share: number, count: number): number {
  return Math.max(1, Math.ceil(share * count - 1e-9));
}
