/** Waits while the server is busy: as long as its `retryAfter` says, for a limited number of attempts. */
import { WeirError } from '../../client/index.ts';

/** How many attempts, and the wait before each in seconds: where the server names none, the shortest and the longest. */
const RETRIES = { attempts: 20, defaultWait: 5, minWait: 1, maxWait: 60 };

export class BusyRetry {
  readonly #onRetryAt: (retryAt: number | undefined) => void;
  #attempts = 0;
  #stop: (() => void) | undefined;

  /** @param onRetryAt receives the time of the next attempt (`performance.now()`), and undefined when the wait is over */
  constructor(onRetryAt: (retryAt: number | undefined) => void) {
    this.#onRetryAt = onRetryAt;
  }

  /**
   * Waits, where the error says that the server is busy.
   * @returns whether to try again
   */
  async waitForRetry(error: unknown): Promise<boolean> {
    if (!(error instanceof WeirError) || error.code !== 'busy' || this.#attempts >= RETRIES.attempts) return false;
    this.#attempts += 1;
    const seconds = Math.min(RETRIES.maxWait, Math.max(RETRIES.minWait, error.retryAfter ?? RETRIES.defaultWait));
    // Jitter: clients that were refused together do not return together.
    const wait = seconds * 1000 * (1 + Math.random() / 4);
    const completed = await new Promise<boolean>((resolve) => {
      const timer = setTimeout(resolve, wait, true);
      this.#stop = () => {
        clearTimeout(timer);
        resolve(false);
      };
      this.#onRetryAt(performance.now() + wait);
    });
    this.#stop = undefined;
    this.#onRetryAt(undefined);
    return completed;
  }

  /** Ends a wait, if there is one: `waitForRetry` resolves with false. */
  cancel(): void {
    this.#stop?.();
  }

  /** The join succeeded: later waits count anew. */
  reset(): void {
    this.#attempts = 0;
  }
}
