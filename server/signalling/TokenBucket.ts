/** Owns a token bucket: how many messages somebody may still send. */

export class TokenBucket {
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
    this.#fill();
    this.#left = Math.max(this.#left - 1, -this.#burst);
    return Math.max(0, -this.#left);
  }

  /** Takes one if there is one, and makes no debt. */
  tryTake(): boolean {
    this.#fill();
    if (this.#left < 1) return false;
    this.#left -= 1;
    return true;
  }

  #fill(): void {
    const at = performance.now();
    this.#left = Math.min(this.#burst, this.#left + ((at - this.#at) / 1000) * this.#perSecond);
    this.#at = at;
  }
}
