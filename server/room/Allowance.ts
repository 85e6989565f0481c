/** Owns how often something may be done: so many times within a while, and never twice in a short one. */

export interface AllowanceOptions {
  readonly most: number;
  /** Milliseconds in which it may be done `most` times. */
  readonly within: number;
  /** Milliseconds between two times, at least. */
  readonly apart: number;
}

export class Allowance {
  readonly #options: AllowanceOptions;
  /** When it was done, latest last. */
  #times: number[] = [];

  constructor(options: AllowanceOptions) {
    this.#options = options;
  }

  /** Takes one time, if there is one. @returns 0, or the milliseconds until there is one to take */
  take(): number {
    const { most, within, apart } = this.#options;
    const now = performance.now();
    this.#times = this.#times.filter((time) => now - time < within);
    const [first] = this.#times;
    const last = this.#times.at(-1);
    const wait = Math.max(
      last === undefined ? 0 : last + apart - now,
      first === undefined || this.#times.length < most ? 0 : first + within - now,
    );
    if (wait <= 0) this.#times.push(now);
    return Math.max(0, wait);
  }
}
