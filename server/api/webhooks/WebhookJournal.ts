/**
 * Keeps the events that wait to be delivered on disk, as far as the disk allows: otherwise it says so, once, and they are in
 * memory alone until it can be written again. Calls never depend on it.
 */
import type { Logger } from 'pino';
import type { QueuedEvent } from './QueuedEvent.ts';
import { WebhookStore } from './WebhookStore.ts';

/** How often it is tried to write to a disk that could not be written, in milliseconds. */
const RETRY_INTERVAL = 30_000;

export interface WebhookJournalOptions {
  readonly path: string;
  /** Everything that waits now, in memory. */
  events(): readonly QueuedEvent[];
  /** Called with what a former process has left, when the file can be opened for the first time. */
  onLoaded(events: readonly QueuedEvent[]): void;
  /** Replaced by tests. */
  readonly retryInterval?: number;
  readonly log: Logger;
}

export class WebhookJournal {
  readonly #options: WebhookJournalOptions;
  #store: WebhookStore | undefined;
  /** What is in the file is ours: it has been opened before. */
  #loaded = false;
  #timer: NodeJS.Timeout | undefined;
  #closed = false;

  constructor(options: WebhookJournalOptions) {
    this.#options = options;
  }

  /** Opens the file, and hands over what a former process has left. */
  start(): void {
    this.#open();
  }

  /** Whether events survive the end of the process. */
  get persistent(): boolean {
    return this.#store !== undefined;
  }

  add(event: QueuedEvent): void {
    this.#write((store) => store.add(event));
  }

  remove(event: QueuedEvent): void {
    this.#write((store) => store.remove(event));
  }

  /** Completes what has been written; idempotent. */
  close(): void {
    this.#closed = true;
    clearTimeout(this.#timer);
    this.#store?.close();
    this.#store = undefined;
  }

  #open(): void {
    const { path, log } = this.#options;
    try {
      const { store, movedTo } = WebhookStore.open(path, (error) => this.#fail(error));
      this.#store = store;
      this.#timer = undefined;
      if (movedTo !== undefined) {
        log.error({ path, movedTo }, 'the file of webhooks was damaged: what it had is lost, and a new one is used');
      }
      const left = this.#loaded ? [] : store.load();
      const own = this.#options.events();
      // What has come while there was no file has numbers of its own, which those in the file may have too.
      if (this.#loaded || own.length > 0) store.replaceAll([...left, ...own]);
      this.#loaded = true;
      if (left.length > 0) this.#options.onLoaded(left);
      if (own.length > 0) log.info({ path, queued: own.length }, 'webhooks are kept on disk again');
    } catch (error) {
      this.#fail(error);
    }
  }

  #write(write: (store: WebhookStore) => void): void {
    if (!this.#store) return;
    try {
      write(this.#store);
    } catch (error) {
      this.#fail(error);
    }
  }

  #fail(error: unknown): void {
    if (this.#closed) return;
    const { path, retryInterval = RETRY_INTERVAL, log } = this.#options;
    const first = this.#timer === undefined;
    this.#store?.abandon();
    this.#store = undefined;
    const text =
      'webhooks cannot be kept on disk (WEIR_DATA_DIR): they are in memory alone, and what waits is lost when Weir ends';
    if (first) log.error({ path, why: error instanceof Error ? error.message : String(error) }, text);
    this.#timer = setTimeout(() => this.#open(), retryInterval);
    this.#timer.unref();
  }
}
