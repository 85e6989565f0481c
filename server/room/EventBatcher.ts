/**
 * The events that a peer is about to be sent: in order, its consumers in batches, presence and chat coalesced in large rooms.
 */
import type { ConsumerInfo, ServerEvents } from '../../shared/protocol.ts';
import type { BatchTimer } from './BatchTimer.ts';
import { ChatCoalescer } from './ChatCoalescer.ts';
import { PresenceCoalescer } from './PresenceCoalescer.ts';

type Send = <E extends keyof ServerEvents>(event: E, data: ServerEvents[E]) => void;

/**
 * Nothing is sent before `open()`, nor after `suspend()`: the reply to `join` or `resume` is a snapshot that includes
 * it. In between, the events of one turn of the event loop are sent at its end. An event therefore never overtakes a
 * reply, which takes microtasks only, and all consumers of one turn are one batch, which is one SDP exchange at the
 * client.
 *
 * In a large room presence and chat events wait for the room's next batch, or for any other event, before which they are sent.
 */
export class EventBatcher {
  readonly #send: Send;
  readonly #batchTimer: BatchTimer;
  readonly #coalescers = [new PresenceCoalescer(), new ChatCoalescer()];
  #open = false;
  #closed = false;
  #scheduled: NodeJS.Immediate | undefined;
  #events: (() => void)[] = [];
  #consumers: ConsumerInfo[] = [];
  #closedConsumers: string[] = [];

  constructor(send: Send, batchTimer: BatchTimer) {
    this.#send = send;
    this.#batchTimer = batchTimer;
  }

  /** Sends events from now on. The caller's snapshot has all consumers that there are. */
  open(): void {
    this.#open = true;
    this.#consumers = [];
  }

  /** Sends nothing until the next `open()`; what has not been sent is dropped, since the next snapshot includes it. */
  suspend(): void {
    this.#open = false;
    clearImmediate(this.#scheduled);
    this.#scheduled = undefined;
    for (const coalescer of this.#coalescers) coalescer.clear();
    this.#events = [];
    this.#consumers = [];
    this.#closedConsumers = [];
  }

  notify<E extends keyof ServerEvents>(event: E, data: ServerEvents[E]): void {
    if (!this.#open || this.#closed) return;
    if (this.#batchTimer.batching && this.#coalescers.some((coalescer) => coalescer.add(event, data))) {
      this.#batchTimer.schedule(this.#onBatchTimer);
      return;
    }
    this.#flushCoalesced();
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

  /** Sends at once what waits for the end of the turn. */
  flush(): void {
    clearImmediate(this.#scheduled);
    this.#scheduled = undefined;
    this.#flushCoalesced();
    for (const send of this.#events.splice(0)) send();
    const consumerIds = this.#closedConsumers.splice(0);
    if (consumerIds.length > 0) this.#send('consumersClosed', { consumerIds });
    const consumers = this.#consumers.splice(0);
    if (consumers.length > 0) this.#send('newConsumers', { consumers });
  }

  readonly #onBatchTimer = () => {
    this.#flushCoalesced();
    this.#schedule();
  };

  /** Moves coalesced events to the end of the queue: peers before what they have written. */
  #flushCoalesced(): void {
    for (const coalescer of this.#coalescers) {
      coalescer.flush((event, data) => this.#events.push(() => this.#send(event, data)));
    }
  }

  #schedule(): void {
    if (this.#open && !this.#closed) this.#scheduled ??= setImmediate(() => this.flush());
  }
}
