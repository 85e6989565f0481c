/** The median of values, and its 95 % interval. */

/** @throws {RangeError} for no values */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const [below, above] = [sorted[(sorted.length - 1) >> 1], sorted[sorted.length >> 1]];
  if (below === undefined || above === undefined) throw new RangeError('No values have no median.');
  return (below + above) / 2;
}

/**
 * The exact, distribution-free 95 % interval of the median: between the k-th smallest and the k-th largest value. The
 * true median is outside when fewer than k values are on one side of it, and each value falls on either side with
 * probability one half; k is the largest with a probability of at most 2.5 % a side. Ten values give k = 2, and cover
 * 97.9 %.
 * @throws {RangeError} for fewer than six values, which reach no 95 %
 */
export function medianInterval(values: readonly number[]): { low: number; high: number } {
  const sorted = values.toSorted((a, b) => a - b);
  const count = sorted.length;
  let k = 0;
  // Probability of exactly k values on one side, and of at most k.
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
