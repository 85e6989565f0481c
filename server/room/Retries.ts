/** Tries again, later each time and not for ever, what a media worker could not do. */

/** Milliseconds before each further try. */
const DELAYS = [250, 500, 1000, 2000, 4000];

export class Retries {
  readonly #timers = new Set<NodeJS.Timeout>();
  #closed = false;

  /**
   * Runs `task` after a while, unless this is closed before, or there have been enough tries.
   * @param failures how often it has failed before this time, from 0
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

  /** Whether something is to be tried again. */
  get pending(): boolean {
    return this.#timers.size > 0;
  }

  /** Nothing that waits now is tried again. */
  clear(): void {
    for (const timer of this.#timers) clearTimeout(timer);
    this.#timers.clear();
  }

  close(): void {
    this.#closed = true;
    this.clear();
  }
}
