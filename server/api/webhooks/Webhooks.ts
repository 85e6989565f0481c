/** Webhooks: sends the events of the event log to the URLs of the operator, each of which has a queue of its own. */
import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import type { Logger } from 'pino';
import { Lifetime } from '../../common/Lifetime.ts';
import type { EventLog } from '../events/EventLog.ts';
import type { LoggedEvent, LoggedEventType } from '../events/LoggedEvent.ts';
import type { QueuedEvent } from './QueuedEvent.ts';
import { signWebhook } from './signWebhook.ts';
import { WebhookJournal } from './WebhookJournal.ts';
import { WebhookPoster } from './WebhookPoster.ts';
import type { WebhookSettings } from './WebhookSettings.ts';
import { CONCURRENCY, type DeliveryCounts, WebhookTarget } from './WebhookTarget.ts';
import { webhookEvent } from './webhookEvent.ts';

export interface WebhooksOptions extends WebhookSettings {
  readonly source: EventLog;
  /** Where the events are kept that wait. */
  readonly dataDir: string;
  readonly log: Logger;
}

/** The state of one URL, for metrics. */
export interface TargetState extends DeliveryCounts {
  readonly name: string;
  readonly queued: number;
}

export class Webhooks {
  readonly #options: WebhooksOptions;
  readonly #lifetime = new Lifetime<'closed'>();
  /** By `targetKey`. */
  readonly #targets = new Map<string, WebhookTarget>();
  readonly #journal: WebhookJournal;
  readonly #types: ReadonlySet<LoggedEventType>;
  /** Begins above that of any process before, which counted up by less than a million a second. */
  #seq = Date.now() * 1000;

  constructor(options: WebhooksOptions) {
    this.#options = options;
    this.#types = new Set(options.events);
    for (const url of options.urls) this.#addTarget(url);
    this.#journal = new WebhookJournal({
      path: join(options.dataDir, 'webhooks.db'),
      events: () => [...this.#targets.values()].flatMap(({ events }) => events),
      onLoaded: (events) => this.#resume(events),
      log: options.log,
    });
    this.#lifetime.defer(() => this.#journal.close());
    this.#lifetime.defer(() => {
      for (const target of this.#targets.values()) target.close();
    });
    this.#journal.start();
    this.#lifetime.defer(options.source.on((event) => this.#queue(event)));
  }

  get targets(): TargetState[] {
    return [...this.#targets.values()].map(({ name, queued, counts }) => ({ name, queued, ...counts }));
  }

  /** Whether what waits survives the end of the process. */
  get persistent(): boolean {
    return this.#journal.persistent;
  }

  /**
   * Sends what can be sent within `time` milliseconds, and ends; idempotent. What remains is sent by the next process, where
   * it could be kept on disk.
   */
  async close(time: number): Promise<void> {
    if (this.#lifetime.closed) return;
    const aborter = new AbortController();
    const idle = Promise.all([...this.#targets.values()].map((target) => target.idle()));
    await Promise.race([idle, setTimeout(time, undefined, { signal: aborter.signal }).catch(() => {})]);
    aborter.abort();
    const left = this.targets.reduce((sum, { queued }) => sum + queued, 0);
    const { persistent } = this;
    this.#lifetime.end('closed');
    if (left === 0) return;
    if (persistent) this.#options.log.info({ left }, 'webhooks are left, and sent at the next start');
    else this.#options.log.error({ left }, 'webhooks are lost: they could not be kept on disk');
  }

  #addTarget(url: URL): void {
    const { key, timeout, limits, maxAge, log } = this.#options;
    const poster = new WebhookPoster({ url, timeout, concurrency: CONCURRENCY });
    this.#lifetime.defer(() => poster.close());
    const target = new WebhookTarget({
      name: url.origin,
      limits,
      maxAge,
      post: async (body) => poster.post(body, await signWebhook(body, key)),
      onRemoved: (event) => this.#journal.remove(event),
      log,
    });
    this.#targets.set(targetKey(url), target);
  }

  #queue(event: LoggedEvent): void {
    // Tests of a connection are no rooms of the application.
    if (!this.#types.has(event.type) || event.room?.kind === 'diagnosis') return;
    const { id, type, time } = event;
    const room = event.room && 'id' in event.room ? event.room.id : '';
    const content = webhookEvent(event);
    const body = JSON.stringify(content);
    for (const [key, target] of this.#targets) {
      const numDropped = target.takeLosses();
      const own = numDropped > 0 ? JSON.stringify({ ...content, numDropped }) : body;
      this.#seq += 1;
      const queued = { seq: this.#seq, target: key, id, type, room, time, body: own, bytes: Buffer.byteLength(own) };
      this.#journal.add(queued);
      target.add(queued);
    }
  }

  /** Sends what a former process has left. */
  #resume(events: readonly QueuedEvent[]): void {
    let unwanted = 0;
    for (const event of events) {
      this.#seq = Math.max(this.#seq, event.seq);
      const target = this.#targets.get(event.target);
      if (target) target.add(event);
      else {
        unwanted += 1;
        this.#journal.remove(event);
      }
    }
    const { log } = this.#options;
    log.info({ queued: events.length - unwanted }, 'webhooks of the former process are sent');
    if (unwanted > 0)
      log.warn({ dropped: unwanted }, 'webhooks dropped: their URL is not in WEIR_WEBHOOK_URLS any more');
  }
}

/** Names a URL in the database, which need not have the secrets that it may have. */
export function targetKey(url: URL): string {
  return createHash('sha256').update(url.href).digest('base64url').slice(0, 22);
}
