/** Retries of what a media worker could not do: with growing delays, and a limited number of times. */

/** Delay before each retry, in milliseconds. */
const DELAYS = [250, 500, 1000, 2000, 4000];

export class Retries {
  readonly #timers = new Set<NodeJS.Timeout>();
  #closed = false;

  /**
   * Runs `task` after a delay, unless this is cleared or closed before, or all retries have been used.
   * @param failures how often it had failed before this failure, from 0
   */
  later(failures: number, task: () => void): void {
    const delay = DELAYS[failures];
    if (delay === undefined || this.#closed) return;
    const timer = setTimeout(() => {
      this.#timers.delete(timer);
      task();
    }, delay);
    this.#timers.add(timer);
  }

  /** Whether a retry is due. */
  get pending(): boolean {
    return this.#timers.size > 0;
  }

  /** Cancels all retries that are due. */
  clear(): void {
    for (const timer of this.#timers) clearTimeout(timer);
    this.#timers.clear();
  }

  close(): void {
    this.#closed = true;
    this.clear();
  }
}
