/** Owns how often something may be done: so many times within a while, and never twice in a short one. */

export interface SlidingWindowLimitOptions {
  readonly limit: number;
  /** Milliseconds in which it may be done `most` times. */
  readonly window: number;
  /** Milliseconds between two times, at least. */
  readonly minInterval: number;
}

export class SlidingWindowLimit {
  readonly #options: SlidingWindowLimitOptions;
  /** When it was done, latest last. */
  #times: number[] = [];

  constructor(options: SlidingWindowLimitOptions) {
    this.#options = options;
  }

  /** Takes one time, if there is one. @returns 0, or the milliseconds until there is one to take */
  take(): number {
    const { limit, window, minInterval } = this.#options;
    const now = performance.now();
    this.#times = this.#times.filter((time) => now - time < window);
    const [first] = this.#times;
    const last = this.#times.at(-1);
    const wait = Math.max(
      last === undefined ? 0 : last + minInterval - now,
      first === undefined || this.#times.length < limit ? 0 : first + window - now,
    );
    if (wait <= 0) this.#times.push(now);
    return Math.max(0, wait);
  }
}
