/** Owns the line of those who want in: so many at a time, room by room in turn, and for so long. */
import { WeirError } from '../../shared/errors.ts';

export interface AdmissionQueueOptions {
  /** How many may be on the way in at once. */
  readonly concurrency: number;
  /** How many may wait. */
  readonly length: number;
  /** How long, in milliseconds. */
  readonly timeout: number;
  /** Whether anybody can be let in just now. */
  open(): boolean;
}

interface Waiting {
  readonly enter: (turn: Disposable) => void;
  readonly refuse: (error: WeirError) => void;
  /** Ends what would end the waiting. */
  readonly settled: () => void;
}

/** How often is looked whether the door is open, while it is closed and somebody waits, in milliseconds. */
const POLL_INTERVAL = 500;
/** Seconds after which those who are turned away may come again. They are spread over as many, or they would all be back at once. */
const RETRY_AFTER = 5;

export class AdmissionQueue {
  readonly #options: AdmissionQueueOptions;
  /** By room; the rooms in the order of their turns. */
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

  /**
   * A turn for somebody who wants into that room; dispose of it when they are in, or will not be.
   * @param signal of somebody who may not want in any more: they leave the line at once
   * @throws {WeirError} `busy` when the line is full, or it took too long; `closed` when the signal is aborted
   */
  async enter(room: string, signal?: AbortSignal): Promise<Disposable> {
    if (signal?.aborted) throw new WeirError('closed');
    if (this.#waiting === 0 && this.#isOpen) return this.#nextQueue();
    if (this.#waiting >= this.#options.length) throw busy('too many are waiting already');
    return new Promise((resolve, reject) => {
      const line = this.#queues.get(room) ?? [];
      this.#queues.set(room, line);
      const late = () => this.#cancel(room, waiting, busy('nobody could be let in'));
      const gone = () => this.#cancel(room, waiting, new WeirError('closed'));
      const timer = setTimeout(late, this.#options.timeout);
      signal?.addEventListener('abort', gone, { once: true });
      const waiting: Waiting = {
        enter: resolve,
        refuse: reject,
        settled() {
          clearTimeout(timer);
          signal?.removeEventListener('abort', gone);
        },
      };
      line.push(waiting);
      this.#waiting += 1;
      this.#poll();
    });
  }

  /** Turns everyone away who waits. */
  close(): void {
    clearInterval(this.#pollTimer);
    for (const line of this.#queues.values()) {
      for (const { settled, refuse } of line) {
        settled();
        refuse(
          new WeirError('unavailable', 'The server is about to restart; try again in a while.', { reason: 'draining' }),
        );
      }
    }
    this.#queues.clear();
    this.#waiting = 0;
  }

  get #isOpen(): boolean {
    return this.#active < this.#options.concurrency && this.#options.open();
  }

  #nextQueue(): Disposable {
    this.#active += 1;
    let taken = true;
    return {
      [Symbol.dispose]: () => {
        if (!taken) return;
        taken = false;
        this.#active -= 1;
        this.#dispatch();
      },
    };
  }

  /** One of each room in turn, so that a room that everybody pours into does not keep others waiting. */
  #dispatch(): void {
    while (this.#waiting > 0 && this.#isOpen) {
      const [next] = this.#queues;
      if (!next) return;
      const [room, line] = next;
      this.#queues.delete(room);
      const first = line.shift();
      if (line.length > 0) this.#queues.set(room, line);
      if (!first) continue;
      first.settled();
      this.#waiting -= 1;
      first.enter(this.#nextQueue());
    }
    this.#poll();
  }

  #cancel(room: string, waiting: Waiting, error: WeirError): void {
    const line = this.#queues.get(room) ?? [];
    const place = line.indexOf(waiting);
    if (place < 0) return;
    line.splice(place, 1);
    if (line.length === 0) this.#queues.delete(room);
    this.#waiting -= 1;
    waiting.settled();
    waiting.refuse(error);
    this.#poll();
  }

  /** Those who are on the way in let the next one in; when nobody is, and the door is closed, somebody has to look. */
  #poll(): void {
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
