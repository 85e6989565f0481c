/** The queue of joins: at most so many at a time, one room after the other, each for a limited time. */
import { WeirError } from '../../shared/errors.ts';

export interface AdmissionQueueOptions {
  /** How many joins may be under way at once. */
  readonly concurrency: number;
  /** How many may wait. */
  readonly length: number;
  /** How long each may wait, in milliseconds. */
  readonly timeout: number;
  /** Whether anybody can be admitted now: the workers may have as much load as they take. */
  open(): boolean;
}

interface Waiting {
  readonly admit: (turn: Disposable) => void;
  readonly refuse: (error: WeirError) => void;
  /** Removes the timer and the listener that would end the waiting. */
  readonly cleanUp: () => void;
}

/** How often `open()` is polled while somebody waits, in milliseconds. */
const POLL_INTERVAL = 500;
/**
 * Clients that are refused retry after this many seconds, and up to as many more at random, so that they are spread
 * over time.
 */
const RETRY_AFTER = 5;

export class AdmissionQueue {
  readonly #options: AdmissionQueueOptions;
  /** By room; the room whose turn is next comes first. */
  readonly #queues = new Map<string, Waiting[]>();
  #waiting = 0;
  #active = 0;
  #pollTimer: NodeJS.Timeout | undefined;

  constructor(options: AdmissionQueueOptions) {
    this.#options = options;
  }

  /** How many wait. */
  get waiting(): number {
    return this.#waiting;
  }

  /** Whether a join that begins now does not wait. */
  get admitsAtOnce(): boolean {
    return this.#waiting === 0 && this.#isOpen;
  }

  /**
   * Waits for a turn to join a room. Dispose of the turn when the join has succeeded or failed.
   * @param signal aborted when the join is not wanted any more: it leaves the queue at once
   * @throws {WeirError} `busy` when the queue is full or the time is over, `closed` when the signal is aborted,
   * `unavailable` when the queue closes
   */
  async enter(room: string, signal?: AbortSignal): Promise<Disposable> {
    if (signal?.aborted) throw new WeirError('closed');
    if (this.admitsAtOnce) return this.#begin();
    if (this.#waiting >= this.#options.length) throw busy('too many are waiting already');
    return new Promise((resolve, reject) => {
      const queue = this.#queues.get(room) ?? [];
      this.#queues.set(room, queue);
      const onTimeout = () => this.#cancel(room, waiting, busy('nobody could be let in'));
      const onAbort = () => this.#cancel(room, waiting, new WeirError('closed'));
      const timer = setTimeout(onTimeout, this.#options.timeout);
      signal?.addEventListener('abort', onAbort, { once: true });
      const waiting: Waiting = {
        admit: resolve,
        refuse: reject,
        cleanUp() {
          clearTimeout(timer);
          signal?.removeEventListener('abort', onAbort);
        },
      };
      queue.push(waiting);
      this.#waiting += 1;
      this.#updatePolling();
    });
  }

  /** Refuses everyone who waits. */
  close(): void {
    clearInterval(this.#pollTimer);
    const message = 'The server is about to restart; try again in a while.';
    for (const { cleanUp, refuse } of [...this.#queues.values()].flat()) {
      cleanUp();
      refuse(new WeirError('unavailable', message, { reason: 'draining' }));
    }
    this.#queues.clear();
    this.#waiting = 0;
  }

  get #isOpen(): boolean {
    return this.#active < this.#options.concurrency && this.#options.open();
  }

  #begin(): Disposable {
    this.#active += 1;
    let active = true;
    return {
      [Symbol.dispose]: () => {
        if (!active) return;
        active = false;
        this.#active -= 1;
        this.#dispatch();
      },
    };
  }

  /** Admits as many as possible, one of each room in turn, so that a room with many joins does not delay the others. */
  #dispatch(): void {
    while (this.#waiting > 0 && this.#isOpen) {
      const [next] = this.#queues;
      if (!next) return;
      const [room, queue] = next;
      this.#queues.delete(room);
      const first = queue.shift();
      if (queue.length > 0) this.#queues.set(room, queue);
      if (!first) continue;
      first.cleanUp();
      this.#waiting -= 1;
      first.admit(this.#begin());
    }
    this.#updatePolling();
  }

  #cancel(room: string, waiting: Waiting, error: WeirError): void {
    const queue = this.#queues.get(room) ?? [];
    const position = queue.indexOf(waiting);
    if (position < 0) return;
    queue.splice(position, 1);
    if (queue.length === 0) this.#queues.delete(room);
    this.#waiting -= 1;
    waiting.cleanUp();
    waiting.refuse(error);
    this.#updatePolling();
  }

  /** The end of a join admits the next one; polling is for the time when none is under way because `open()` says no. */
  #updatePolling(): void {
    if (this.#waiting === 0) {
      clearInterval(this.#pollTimer);
      this.#pollTimer = undefined;
    } else this.#pollTimer ??= setInterval(() => this.#dispatch(), POLL_INTERVAL);
  }
}

function busy(why: string): WeirError {
  return new WeirError('busy', `The server has as much to do as it can: ${why}.`, {
    retryAfter: Math.round((RETRY_AFTER + Math.random() * RETRY_AFTER) * 10) / 10,
  });
}
