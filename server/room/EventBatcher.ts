/** Owns what a peer has yet to be told: news in order, consumers in batches. */
import type { ConsumerInfo, ServerEvents } from '../../shared/protocol.ts';
import type { BatchTimer } from './BatchTimer.ts';
import { PresenceCoalescer } from './PresenceCoalescer.ts';

type Send = <E extends keyof ServerEvents>(event: E, data: ServerEvents[E]) => void;

/**
 * Nothing leaves before `open()`, nor after `hold()`: the reply to `join` or `resume` is a snapshot and says it all. In
 * between, what comes up within
 * one turn of the event loop leaves at its end. So news never overtakes a reply that is on its way (a reply needs
 * microtasks only), and all consumers of one turn make one batch, which is one SDP exchange at the client.
 *
 * In a large room news of who is there waits for the room's next beat, or for other news, which it always comes before.
 */
export class EventBatcher {
  readonly #send: Send;
  readonly #batchTimer: BatchTimer;
  readonly #presence = new PresenceCoalescer();
  #open = false;
  #closed = false;
  #scheduled: NodeJS.Immediate | undefined;
  #events: (() => void)[] = [];
  #consumers: ConsumerInfo[] = [];
  #closedConsumers: string[] = [];

  constructor(send: Send, pace: BatchTimer) {
    this.#send = send;
    this.#batchTimer = pace;
  }

  /** Lets news out from now on; whoever opens it tells of the consumers that there are. */
  open(): void {
    this.#open = true;
    this.#consumers = [];
  }

  /** Nothing is let out any more, and what has not left is dropped: the next snapshot has it. */
  suspend(): void {
    this.#open = false;
    clearImmediate(this.#scheduled);
    this.#scheduled = undefined;
    this.#presence.clear();
    this.#events = [];
    this.#consumers = [];
    this.#closedConsumers = [];
  }

  notify<E extends keyof ServerEvents>(event: E, data: ServerEvents[E]): void {
    if (!this.#open || this.#closed) return;
    if (this.#batchTimer.batching && this.#presence.add(event, data)) {
      this.#batchTimer.schedule(this.#onBatchTimer);
      return;
    }
    this.#flushPresence();
    this.#events.push(() => this.#send(event, data));
    this.#schedule();
  }

  consumerOpened(info: ConsumerInfo): void {
    if (!this.#open) return;
    this.#consumers.push(info);
    this.#schedule();
  }

  consumerClosed(consumerId: string): void {
    const unsent = this.#consumers.findIndex((info) => info.consumerId === consumerId);
    if (unsent >= 0) this.#consumers.splice(unsent, 1);
    else if (this.#open) this.#closedConsumers.push(consumerId);
    this.#schedule();
  }

  close(): void {
    this.#closed = true;
    this.#batchTimer.cancel(this.#onBatchTimer);
    clearImmediate(this.#scheduled);
  }

  /** Lets out what is waiting for the end of the turn. */
  flush(): void {
    clearImmediate(this.#scheduled);
    this.#scheduled = undefined;
    this.#flushPresence();
    for (const tell of this.#events.splice(0)) tell();
    const consumerIds = this.#closedConsumers.splice(0);
    if (consumerIds.length > 0) this.#send('consumersClosed', { consumerIds });
    const consumers = this.#consumers.splice(0);
    if (consumers.length > 0) this.#send('newConsumers', { consumers });
  }

  readonly #onBatchTimer = () => {
    this.#flushPresence();
    this.#schedule();
  };

  /** From now on it is news like any other. */
  #flushPresence(): void {
    this.#presence.flush((event, data) => this.#events.push(() => this.#send(event, data)));
  }

  #schedule(): void {
    if (this.#open && !this.#closed) this.#scheduled ??= setImmediate(() => this.flush());
  }
}
