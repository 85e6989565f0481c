/** The timer by which a large room sends presence and chat events in batches: one for everybody in the room. */

/** Time between two batches, in milliseconds. */
const BATCH_INTERVAL = 250;
/** Above this size, these events are batched: each of them goes to everyone in the room. */
const BATCH_THRESHOLD = 16;
/** How many actions run in one turn of the event loop: what arrives meanwhile does not wait for hundreds. */
const MAX_ACTIONS_PER_TURN = 32;

export class BatchTimer {
  readonly #size: () => number;
  readonly #actions = new Set<() => void>();
  /** Those of the present batch that have not run. */
  readonly #due = new Set<() => void>();
  #timer: NodeJS.Timeout | undefined;
  #turn: NodeJS.Immediate | undefined;

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
      for (const one of this.#actions) this.#due.add(one);
      this.#actions.clear();
      clearImmediate(this.#turn);
      this.#runTurn();
    }, BATCH_INTERVAL);
  }

  cancel(action: () => void): void {
    this.#actions.delete(action);
    this.#due.delete(action);
  }

  close(): void {
    clearTimeout(this.#timer);
    clearImmediate(this.#turn);
    this.#actions.clear();
    this.#due.clear();
  }

  #runTurn(): void {
    let left = MAX_ACTIONS_PER_TURN;
    for (const action of this.#due) {
      if (left-- === 0) break;
      this.#due.delete(action);
      action();
    }
    if (this.#due.size > 0) this.#turn = setImmediate(() => this.#runTurn());
  }
}
