/** A rate limit: at most so many times within a sliding window, and a least interval between two. */

export interface SlidingWindowLimitOptions {
  /** How often, at most, within `window`. */
  readonly limit: number;
  /** In milliseconds. */
  readonly window: number;
  /** Least time between two, in milliseconds. */
  readonly minInterval: number;
}

export class SlidingWindowLimit {
  readonly #options: SlidingWindowLimitOptions;
  /** When it was taken within the window (`performance.now()`), latest last. */
  #times: number[] = [];

  constructor(options: SlidingWindowLimitOptions) {
    this.#options = options;
  }

  /** Milliseconds until the limit allows one; 0 if it does. */
  get wait(): number {
    const { limit, window, minInterval } = this.#options;
    const now = performance.now();
    this.#times = this.#times.filter((time) => now - time < window);
    const [first] = this.#times;
    const last = this.#times.at(-1);
    return Math.max(
      0,
      last === undefined ? 0 : last + minInterval - now,
      first === undefined || this.#times.length < limit ? 0 : first + window - now,
    );
  }

  /** Counts one if the limit allows it. @returns 0 if so, otherwise milliseconds until it will */
  take(): number {
    const { wait } = this;
    if (wait === 0) this.#times.push(performance.now());
    return wait;
  }
}
