/** The median of some values, and its 95 % interval. */

/** @throws {RangeError} for no values */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const [below, above] = [sorted[(sorted.length - 1) >> 1], sorted[sorted.length >> 1]];
  if (below === undefined || above === undefined) throw new RangeError('No values have no median.');
  return (below + above) / 2;
}

/**
 * The 95 % interval of the median, exact and free of assumptions on how values are distributed: between the k-th value
 * from below and the k-th from above. The true median is outside when fewer than k values are on one side of it, and
 * values fall on either side like tosses of a coin; k is the largest for which that happens in at most 2.5 % of cases a
 * side. Ten values give k = 2, and cover 97.9 %.
 * @throws {RangeError} for fewer than six values, which reach no 95 %
 */
export function medianInterval(values: readonly number[]): { low: number; high: number } {
  const sorted = values.toSorted((a, b) => a - b);
  const count = sorted.length;
  let k = 0;
  // Chance of exactly k values on one side, and of at most so many.
  let exactly = 0.5 ** count;
  let atMost = exactly;
  while (atMost <= 0.025) {
    k += 1;
    exactly *= (count - k + 1) / k;
    atMost += exactly;
  }
  const [low, high] = [sorted[k - 1], sorted[count - k]];
  if (low === undefined || high === undefined) throw new RangeError(`${count} values give no 95 % interval.`);
  return { low, high };
}
