/** A histogram of milliseconds, for more values than a list should hold. */
import { type Distribution, distributionOf, rankOf } from './distribution.ts';

/** The serialised form of a histogram, for messages between processes. */
export interface HistogramJson {
  readonly count: number;
  readonly sum: number;
  readonly min: number;
  readonly max: number;
  /** Non-empty buckets with their counts. */
  readonly buckets: readonly (readonly [index: number, count: number])[];
}

/** Bounds of the buckets, in milliseconds: a microsecond, an hour. */
const LOWEST = 0.001;
const HIGHEST = 3_600_000;
/** Ratio of a bucket's bounds. Its middle is within the square root of this, 0.95 %, of every value in it. */
const RATIO = 1.019;
const PER_LOG = 1 / Math.log(RATIO);
const BUCKETS = Math.ceil(Math.log(HIGHEST / LOWEST) * PER_LOG);

/**
 * Any number of values in milliseconds, in 10 kB. Quantiles are within 1 % of the true ones; count, mean, minimum and
 * maximum are exact. Values outside the buckets count in the nearest one.
 */
export class Histogram {
  readonly #buckets = new Float64Array(BUCKETS);
  #count = 0;
  #sum = 0;
  #min = Number.POSITIVE_INFINITY;
  #max = Number.NEGATIVE_INFINITY;

  static from({ count, sum, min, max, buckets }: HistogramJson): Histogram {
    const histogram = new Histogram();
    if (count === 0) return histogram;
    histogram.#count = count;
    histogram.#sum = sum;
    histogram.#min = min;
    histogram.#max = max;
    for (const [index, held] of buckets) histogram.#buckets[index] = held;
    return histogram;
  }

  /** @throws {RangeError} where `value` is not finite, because it would spoil the mean */
  add(value: number): void {
    if (!Number.isFinite(value)) throw new RangeError(`not a number of milliseconds: ${value}`);
    // Clocks of two processes may differ by more than the network delay: negative values go into the first bucket.
    const index = value <= LOWEST ? 0 : Math.min(BUCKETS - 1, Math.trunc(Math.log(value / LOWEST) * PER_LOG));
    this.#buckets[index] = (this.#buckets[index] ?? 0) + 1;
    this.#count += 1;
    this.#sum += value;
    if (value < this.#min) this.#min = value;
    if (value > this.#max) this.#max = value;
  }

  /** Adds the values of `other`, which is unchanged. */
  merge(other: Histogram): void {
    for (const [index, held] of other.#buckets.entries()) {
      if (held > 0) this.#buckets[index] = (this.#buckets[index] ?? 0) + held;
    }
    this.#count += other.#count;
    this.#sum += other.#sum;
    this.#min = Math.min(this.#min, other.#min);
    this.#max = Math.max(this.#max, other.#max);
  }

  distribution(): Distribution {
    const count = this.#count;
    if (count === 0) return distributionOf([]);
    return {
      count,
      mean: this.#sum / count,
      min: this.#min,
      p50: this.#quantile(0.5),
      p95: this.#quantile(0.95),
      p99: this.#quantile(0.99),
      max: this.#max,
    };
  }

  toJSON(): HistogramJson {
    const empty = this.#count === 0;
    return {
      count: this.#count,
      sum: this.#sum,
      // JSON has no infinity.
      min: empty ? 0 : this.#min,
      max: empty ? 0 : this.#max,
      buckets: [...this.#buckets.entries()].filter(([, held]) => held > 0),
    };
  }

  #quantile(share: number): number {
    let left = rankOf(share, this.#count);
    const index = this.#buckets.findIndex((held) => {
      left -= held;
      return left <= 0;
    });
    const middle = LOWEST * RATIO ** (index + 0.5);
    return Math.min(this.#max, Math.max(this.#min, middle));
  }
}
