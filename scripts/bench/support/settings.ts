/** Environment variables of benchmarks: the number of viewers, and another checkout to compare with. */

/** Number of viewers; `WEIR_BENCH_VIEWERS` overrides the default. */
export function viewersOf(usual: number): number {
  const wanted = Number(process.env.WEIR_BENCH_VIEWERS ?? usual);
  if (!Number.isInteger(wanted) || wanted < 1) throw new RangeError('WEIR_BENCH_VIEWERS is no number of viewers.');
  return wanted;
}

/** Folder of another checkout to compare with (`WEIR_BENCH_AGAINST`), already set up. */
export function comparedCheckout(): string | undefined {
  return process.env.WEIR_BENCH_AGAINST || undefined;
}
