/** Delivers webhooks to one URL, whatever happens to others: several rooms at a time, and again until it has succeeded. */
import type { Logger } from 'pino';
import type { QueuedEvent } from './QueuedEvent.ts';
import { retryDelay } from './retryDelay.ts';
import type { PostResult } from './WebhookPoster.ts';
import { type QueueLimits, type RoomQueue, WebhookQueue } from './WebhookQueue.ts';

/** How many requests there are at once. */
export const CONCURRENCY = 16;
/** After so many failures in turn the receiver counts as down. When it is back, everything that waits is sent at once. */
const DOWN_AFTER = 5;
/** How often failures and losses of one URL are logged at most, in milliseconds. */
const LOG_INTERVAL = 60_000;

export interface WebhookTargetOptions {
  /** For the log: the URL without what may be secret in it. */
  readonly name: string;
  readonly limits: QueueLimits;
  /** After so many milliseconds an event is given up. */
  readonly maxAge: number;
  /** Sends a body. It never rejects. */
  post(body: string): Promise<PostResult>;
  /** Called when an event need not be kept any more: it is delivered, or lost. */
  onRemoved(event: QueuedEvent): void;
  readonly log: Logger;
}

/** What has become of events since the start. */
export interface DeliveryCounts {
  delivered: number;
  /** Attempts that failed. */
  failed: number;
  /** Given up: too old. */
  expired: number;
  /** Given up: the queue was full. */
  dropped: number;
}

export class WebhookTarget {
  readonly counts: DeliveryCounts = { delivered: 0, failed: 0, expired: 0, dropped: 0 };
  readonly #options: WebhookTargetOptions;
  readonly #queue: WebhookQueue;
  #sending = 0;
  /** Failures since the last success. */
  #failures = 0;
  #loggedFailures = { at: Number.NEGATIVE_INFINITY, count: 0 };
  #loggedLosses = { at: Number.NEGATIVE_INFINITY, count: 0 };
  #reportedLosses = 0;
  #closed = false;
  #onIdle: (() => void) | undefined;

  constructor(options: WebhookTargetOptions) {
    this.#options = options;
    this.#queue = new WebhookQueue(options.limits);
  }

  get name(): string {
    return this.#options.name;
  }

  /** How many events wait. */
  get queued(): number {
    return this.#queue.size;
  }

  /** All that wait. */
  get events(): QueuedEvent[] {
    return this.#queue.events;
  }

  /** Delivers an event, after those of its room that were added before. */
  add(event: QueuedEvent): void {
    if (this.#closed) return;
    const dropped = this.#queue.add(event);
    for (const one of dropped) this.#options.onRemoved(one);
    this.counts.dropped += dropped.length;
    if (dropped.length > 0) this.#logLosses(dropped.length, 'webhooks dropped: too many wait for this receiver');
    this.#send();
  }

  /** How many events have been lost since this was last called: the next event says so. */
  takeLosses(): number {
    const lost = this.counts.dropped + this.counts.expired;
    const unreported = lost - this.#reportedLosses;
    this.#reportedLosses = lost;
    return unreported;
  }

  /** Resolves when nothing is left but what failed and waits to be sent again. */
  async idle(): Promise<void> {
    if (this.#sending === 0) return;
    await new Promise<void>((resolve) => {
      this.#onIdle = resolve;
    });
  }

  /** Sends nothing more; idempotent. What waits stays where it is kept. */
  close(): void {
    this.#closed = true;
    this.#queue.close();
  }

  #send(): void {
    while (!this.#closed && this.#sending < CONCURRENCY) {
      const queue = this.#queue.take();
      if (!queue) break;
      this.#sending += 1;
      void this.#sendFirst(queue);
    }
    if (this.#sending === 0) this.#onIdle?.();
  }

  async #sendFirst(queue: RoomQueue): Promise<void> {
    const [event] = queue.events;
    if (event && this.#isExpired(event)) this.#expire(queue);
    else if (event) this.#take(queue, event, await this.#options.post(event.body));
    this.#sending -= 1;
    this.#send();
  }

  #take(queue: RoomQueue, event: QueuedEvent, result: PostResult): void {
    // What it says of a request that was aborted is not true.
    if (this.#closed && !result.delivered) return;
    if (!result.delivered) this.#fail(queue, event, result);
    else {
      this.counts.delivered += 1;
      if (this.#failures >= DOWN_AFTER) {
        this.#options.log.info({ webhook: this.name, queued: this.queued }, 'webhook receiver is back');
        this.#queue.wake();
      }
      this.#failures = 0;
      this.#remove(queue);
    }
  }

  #fail(queue: RoomQueue, event: QueuedEvent, { why, retryAfter }: PostResult): void {
    this.counts.failed += 1;
    this.#failures += 1;
    queue.failures += 1;
    this.#logFailure(event, why);
    if (this.#isExpired(event)) this.#expire(queue);
    else this.#queue.retry(queue, retryDelay(queue.failures, retryAfter), () => this.#send());
  }

  #isExpired({ time }: QueuedEvent): boolean {
    return Date.now() - time > this.#options.maxAge;
  }

  #expire(queue: RoomQueue): void {
    this.counts.expired += 1;
    this.#logLosses(1, 'webhooks given up: not delivered in time');
    this.#remove(queue);
  }

  #remove(queue: RoomQueue): void {
    const event = this.#queue.removeFirst(queue);
    if (event) this.#options.onRemoved(event);
  }

  #logFailure({ id, type, room }: QueuedEvent, why: string | undefined): void {
    this.#loggedFailures.count += 1;
    const now = performance.now();
    if (now - this.#loggedFailures.at < LOG_INTERVAL) return;
    const { count: failures } = this.#loggedFailures;
    this.#loggedFailures = { at: now, count: 0 };
    const about = { webhook: this.name, failures, queued: this.queued, event: id, type, room, why };
    this.#options.log.warn(about, 'webhook failed, and is sent again');
  }

  #logLosses(count: number, text: string): void {
    this.#loggedLosses.count += count;
    const now = performance.now();
    if (now - this.#loggedLosses.at < LOG_INTERVAL) return;
    const { count: lost } = this.#loggedLosses;
    this.#loggedLosses = { at: now, count: 0 };
    this.#options.log.error({ webhook: this.name, lost, queued: this.queued }, text);
  }
}
