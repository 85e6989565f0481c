/** The requests of one sender: run one at a time, in their order, and each of them once, over however many connections. */
import { WeirError, type WireError } from './errors.ts';

export type Reply = { data: unknown } | { error: WireError };

/** A request that was received and not answered yet. */
export interface QueuedRequest {
  /** The sender's number of it, unique among all requests of this sender. */
  readonly id: number;
  /** Whether the connection that it came on has closed: nobody would receive the reply. */
  isClosed(): boolean;
  /** Runs its handler. Never rejects: a failure is a reply too. */
  run(): Promise<Reply>;
  /** Sends the reply; does nothing once the connection has closed. */
  reply(reply: Reply): void;
}

/** How many requests may wait, and how many replies are kept: a sender repeats no more than it may have had waiting. */
const CAPACITY = 256;

/**
 * A sender may send a request that depends on an earlier one without waiting for its reply. When its connection is lost, it
 * repeats over the next one, under the same ids, the requests that it had no reply to. One that has run, or is running,
 * then gets the reply of the first time. One that had not begun is dropped with its connection and runs when it is repeated.
 */
export class RequestQueue {
  #waiting: QueuedRequest[] = [];
  /** At most one request of this queue, and those that were running in queues which were merged into it. */
  readonly #running = new Set<Promise<void>>();
  /** Of the latest requests, by id, oldest first. */
  readonly #replies = new Map<number, Reply>();

  /** How many replies are kept. */
  get replies(): number {
    return this.#replies.size;
  }

  /** Runs a request after those that came before it. One that is too many is answered with `rateLimited` at once. */
  add(request: QueuedRequest): void {
    this.#waiting = this.#waiting.filter((one) => !one.isClosed());
    if (this.#waiting.length + this.#running.size >= CAPACITY) {
      request.reply({ error: new WeirError('rateLimited').toWire() });
      return;
    }
    this.#waiting.push(request);
    this.#runNext();
  }

  /** Moves the requests that wait in `other` here. None of them begins before the one that is running there has ended. */
  merge(other: RequestQueue): void {
    if (other === this) return;
    for (const running of other.#running) this.#track(running);
    for (const request of other.#waiting.splice(0)) this.add(request);
  }

  #runNext(): void {
    if (this.#running.size > 0) return;
    let request = this.#waiting.shift();
    while (request?.isClosed()) request = this.#waiting.shift();
    // It counts as running before its handler begins, which may merge this queue into another one.
    if (request) this.#track(Promise.resolve(request).then((next) => this.#run(next)));
  }

  #track(running: Promise<void>): void {
    this.#running.add(running);
    void running.then(() => {
      this.#running.delete(running);
      this.#runNext();
    });
  }

  async #run(request: QueuedRequest): Promise<void> {
    // A later message of the same turn may have closed the connection, and ended the peer that the request is for.
    if (request.isClosed()) return;
    const known = this.#replies.get(request.id);
    const reply = known ?? (await request.run());
    if (!known) this.#keep(request.id, reply);
    request.reply(reply);
  }

  #keep(id: number, reply: Reply): void {
    this.#replies.set(id, reply);
    for (const oldest of this.#replies.keys()) {
      if (this.#replies.size <= CAPACITY) return;
      this.#replies.delete(oldest);
    }
  }
}
