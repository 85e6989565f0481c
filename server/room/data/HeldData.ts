/** The messages that wait for a receiver whose transport for data is not open yet: bounded in size and in time. */
import type { DataChannelLabel } from '../../../shared/dataFrame.ts';

/** In bytes. The same message that waits for many receivers is in memory once. */
const MAX_BYTES = 512 * 1024;
/** In milliseconds: a client opens its transport in less than a second. */
const TIMEOUT = 15_000;
/** In milliseconds: how long what follows dropped messages is dropped as well, before the receiver is asked once more. */
const DROP_TIME = 5000;

export interface HeldMessage {
  readonly channel: DataChannelLabel;
  readonly message: Buffer;
}

export class HeldData {
  readonly #onLost: () => void;
  #messages: HeldMessage[] = [];
  #bytes = 0;
  /** When messages were dropped, of which the receiver was told. */
  #lostAt = Number.NEGATIVE_INFINITY;
  #timer: NodeJS.Timeout | undefined;

  /** @param onLost is called when messages have been dropped, since there were too many or nobody came for them */
  constructor(onLost: () => void) {
    this.#onLost = onLost;
  }

  /** Whether the receiver has missed nothing yet. */
  get isEmpty(): boolean {
    return this.#messages.length === 0 && !this.#isDropping;
  }

  /** Keeps a message; a lossy one is dropped, since it would come too late. */
  add(held: HeldMessage): void {
    if (held.channel === 'lossy' || this.#isDropping) return;
    if (this.#bytes + held.message.length > MAX_BYTES) {
      this.#drop();
      return;
    }
    this.#messages.push(held);
    this.#bytes += held.message.length;
    this.#timer ??= setTimeout(() => this.#drop(), TIMEOUT);
  }

  /** @returns all messages, oldest first; none are left */
  take(): HeldMessage[] {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const messages = this.#messages;
    this.#messages = [];
    this.#bytes = 0;
    this.#lostAt = Number.NEGATIVE_INFINITY;
    return messages;
  }

  get #isDropping(): boolean {
    return performance.now() - this.#lostAt < DROP_TIME;
  }

  #drop(): void {
    this.take();
    this.#lostAt = performance.now();
    this.#onLost();
  }
}
