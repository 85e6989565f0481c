/** The timer by which a large room sends presence events in batches: one for everybody in the room. */

/** Time between two batches, in milliseconds. */
const BATCH_INTERVAL = 250;
/** Above this size, presence events are batched: each of them goes to everyone in the room. */
const BATCH_THRESHOLD = 16;

export class BatchTimer {
  readonly #size: () => number;
  readonly #actions = new Set<() => void>();
  #timer: NodeJS.Timeout | undefined;

  /** @param size how many are in the room now */
  constructor(size: () => number) {
    this.#size = size;
  }

  /** Whether the room is large enough for batches. */
  get batching(): boolean {
    return this.#size() > BATCH_THRESHOLD;
  }

  /** Runs `action` with the next batch; once, however often it is scheduled until then. */
  schedule(action: () => void): void {
    this.#actions.add(action);
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined;
      const due = [...this.#actions];
      this.#actions.clear();
      for (const run of due) run();
    }, BATCH_INTERVAL);
  }

  cancel(action: () => void): void {
    this.#actions.delete(action);
  }

  close(): void {
    clearTimeout(this.#timer);
    this.#actions.clear();
  }
}
