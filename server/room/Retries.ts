/** Retries of what a media worker could not do: with growing delays, and a limited number of times. */

/** Delay before each retry, in milliseconds. */
const DELAYS = [250, 500, 1000, 2000, 4000];

export class Retries {
  /** Undefined until something has failed, which is seldom: every subscription has retries. */
  #timers: Set<NodeJS.Timeout> | undefined;
  #closed = false;

  /**
   * Runs `task` after a delay, unless this is cleared or closed before, or all retries have been used.
   * @param failures how often it had failed before this failure, from 0
   */
  later(failures: number, task: () => void): void {
    const delay = DELAYS[failures];
    if (delay === undefined || this.#closed) return;
    this.#timers ??= new Set();
    const timers = this.#timers;
    const timer = setTimeout(() => {
      timers.delete(timer);
      task();
    }, delay);
    timers.add(timer);
  }

  /** Whether a retry is due. */
  get pending(): boolean {
    return this.#timers !== undefined && this.#timers.size > 0;
  }

  /** Cancels all retries that are due. */
  clear(): void {
    for (const timer of this.#timers ?? []) clearTimeout(timer);
    this.#timers?.clear();
  }

  close(): void {
    this.#closed = true;
    this.clear();
  }
}
