/** A token bucket, which limits a rate and allows bursts. */

export class TokenBucket {
  readonly #perSecond: number;
  readonly #burst: number;
  #left: number;
  #at = performance.now();

  /**
   * @param perSecond tokens added per second
   * @param burst capacity of the bucket, which starts full
   */
  constructor(perSecond: number, burst: number) {
    this.#perSecond = perSecond;
    this.#burst = burst;
    this.#left = burst;
  }

  /**
   * Takes a token, or goes into debt by one. The debt is at most the capacity.
   * @returns the debt: 0 if there was a token
   */
  take(): number {
    this.#fill();
    this.#left = Math.max(this.#left - 1, -this.#burst);
    return Math.max(0, -this.#left);
  }

  /** Takes so many tokens if there are as many. @returns whether there were */
  tryTake(count = 1): boolean {
    this.#fill();
    if (this.#left < count) return false;
    this.#left -= count;
    return true;
  }

  /** Milliseconds until there are so many tokens, if none are taken meanwhile; 0 if there are. */
  waitFor(count: number): number {
    this.#fill();
    return Math.ceil(Math.max(0, ((count - this.#left) / this.#perSecond) * 1000));
  }

  #fill(): void {
    const at = performance.now();
    this.#left = Math.min(this.#burst, this.#left + ((at - this.#at) / 1000) * this.#perSecond);
    this.#at = at;
  }
}
