/** Owns waiting for a server that is full: as long as it says, not for ever, and not longer than its owner wants. */
import { WeirError } from '../../client/index.ts';

/** So often it is tried again; a pause where the server says none, and the least and the most of one, in seconds. */
const RETRIES = { most: 20, pause: 5, least: 1, longest: 60 };

export class BusyRetry {
  readonly #onRetryAt: (until: number | undefined) => void;
  #attempts = 0;
  #stop: (() => void) | undefined;

  /** @param onWaiting until when (`performance.now()`) we wait; undefined when we do not any more */
  constructor(onWaiting: (until: number | undefined) => void) {
    this.#onRetryAt = onWaiting;
  }

  /**
   * Waits, where the error says that the server is full just now.
   * @returns whether to try again
   */
  async waitForRetry(error: unknown): Promise<boolean> {
    if (!(error instanceof WeirError) || error.code !== 'busy' || this.#attempts >= RETRIES.most) return false;
    this.#attempts += 1;
    const asked = Math.min(RETRIES.longest, Math.max(RETRIES.least, error.retryAfter ?? RETRIES.pause));
    // Whoever was told the same at the same time does not come back at the same time.
    const pause = asked * 1000 * (1 + Math.random() / 4);
    const waited = await new Promise<boolean>((resolve) => {
      const timer = setTimeout(resolve, pause, true);
      this.#stop = () => {
        clearTimeout(timer);
        resolve(false);
      };
      this.#onRetryAt(performance.now() + pause);
    });
    this.#stop = undefined;
    this.#onRetryAt(undefined);
    return waited;
  }

  /** Waits no longer; nothing happens where it does not. */
  cancel(): void {
    this.#stop?.();
  }

  /** We are in. */
  reset(): void {
    this.#attempts = 0;
  }
}
