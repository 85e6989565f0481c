/** Owns waiting for a server that is full: as long as it says, not for ever, and not longer than its owner wants. */
import { WeirError } from '../../client/index.ts';

/** So often it is tried again; a pause where the server says none, and the least and the most of one, in seconds. */
const TRIES = { most: 20, pause: 5, least: 1, longest: 60 };

export class BusyRetry {
  readonly #onWaiting: (until: number | undefined) => void;
  #tries = 0;
  #stop: (() => void) | undefined;

  /** @param onWaiting until when (`performance.now()`) we wait; undefined when we do not any more */
  constructor(onWaiting: (until: number | undefined) => void) {
    this.#onWaiting = onWaiting;
  }

  /**
   * Waits, where the error says that the server is full just now.
   * @returns whether to try again
   */
  async again(error: unknown): Promise<boolean> {
    if (!(error instanceof WeirError) || error.code !== 'busy' || this.#tries >= TRIES.most) return false;
    this.#tries += 1;
    const asked = Math.min(TRIES.longest, Math.max(TRIES.least, error.retryAfter ?? TRIES.pause));
    // Whoever was told the same at the same time does not come back at the same time.
    const pause = asked * 1000 * (1 + Math.random() / 4);
    const waited = await new Promise<boolean>((resolve) => {
      const timer = setTimeout(resolve, pause, true);
      this.#stop = () => {
        clearTimeout(timer);
        resolve(false);
      };
      this.#onWaiting(performance.now() + pause);
    });
    this.#stop = undefined;
    this.#onWaiting(undefined);
    return waited;
  }

  /** Waits no longer; nothing happens where it does not. */
  cancel(): void {
    this.#stop?.();
  }

  /** We are in. */
  reset(): void {
    this.#tries = 0;
  }
}
