/** Owns a token bucket: how many messages somebody may still send. */

export class RateLimit {
  readonly #perSecond: number;
  readonly #burst: number;
  #left: number;
  #at = performance.now();

  /**
   * @param perSecond what flows in
   * @param burst what the bucket holds
   */
  constructor(perSecond: number, burst: number) {
    this.#perSecond = perSecond;
    this.#burst = burst;
    this.#left = burst;
  }

  /**
   * Takes one.
   * @returns how far below empty the bucket is: 0 when there was one to take. The debt is at most what it holds.
   */
  take(): number {
    const at = performance.now();
    this.#left = Math.min(this.#burst, this.#left + ((at - this.#at) / 1000) * this.#perSecond) - 1;
    this.#at = at;
    this.#left = Math.max(this.#left, -this.#burst);
    return Math.max(0, -this.#left);
  }
}
