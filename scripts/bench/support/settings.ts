/** What the environment asks of benchmarks: how many viewers, and which other checkout to compare with. */

/** How many viewers a benchmark has: so many, unless `WEIR_BENCH_VIEWERS` says otherwise. */
export function viewersOf(usual: number): number {
  const wanted = Number(process.env.WEIR_BENCH_VIEWERS ?? usual);
  if (!Number.isInteger(wanted) || wanted < 1) throw new RangeError('WEIR_BENCH_VIEWERS is no number of viewers.');
  return wanted;
}

/** Another checkout to compare with: the folder that `WEIR_BENCH_AGAINST` names, in which everything is set up. */
export function comparedCheckout(): string | undefined {
  return process.env.WEIR_BENCH_AGAINST || undefined;
}
