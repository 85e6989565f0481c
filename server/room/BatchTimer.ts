/** Owns the beat at which a large room tells its news: one timer for all who are in it, none where the room is small. */

/** Between two beats, in milliseconds. */
const BATCH_INTERVAL = 250;
/** In a room of more than so many, whatever one does is news for so many others that it waits for the beat. */
const BATCH_THRESHOLD = 16;

export class BatchTimer {
  readonly #size: () => number;
  readonly #waiting = new Set<() => void>();
  #timer: NodeJS.Timeout | undefined;

  /** @param size how many are in the room */
  constructor(size: () => number) {
    this.#size = size;
  }

  /** Whether news waits for the beat. */
  get batching(): boolean {
    return this.#size() > BATCH_THRESHOLD;
  }

  /** Runs `action` at the next beat; once, however often it is asked for. */
  schedule(action: () => void): void {
    this.#waiting.add(action);
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined;
      const due = [...this.#waiting];
      this.#waiting.clear();
      for (const one of due) one();
    }, BATCH_INTERVAL);
  }

  /** Forgets an action. */
  cancel(action: () => void): void {
    this.#waiting.delete(action);
  }

  close(): void {
    clearTimeout(this.#timer);
    this.#waiting.clear();
  }
}
