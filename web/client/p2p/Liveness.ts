/** Detects within two seconds that a direct connection carries nothing any more: browsers need five and more. */

export interface LivenessOptions {
  /** The age of the last packet of expected media, in milliseconds; undefined if none is expected. */
  lastPacketAge(): number | undefined;
  /** When the last message of the other end came (`performance.now()`). */
  lastMessageAt(): number;
  /** Asks the other end for a message. */
  ping(): void;
  /** Nothing has come for `TIMES.lost`. Called once. */
  onLost(): void;
}

/**
 * In milliseconds: the polling interval; after how long without a packet the other end is asked, and how often; and after
 * how long without an answer the connection is lost. A microphone in silence sends a packet each 400 ms.
 */
const TIMES = { interval: 250, quiet: 600, ping: 500, lost: 1600 };
/** In milliseconds: a poll that comes so much later than it should is late. */
const STALL = 600;
/** In milliseconds: as much counts of the time before a late poll. Browsers run the timers of hidden pages once a second. */
const THROTTLED = 1000;

/**
 * A single late poll says that this page stood still, not the connection. Of several in a row the timers are throttled, as
 * those of hidden, silent pages are, once a second or a minute: messages still come in between, so that each poll finds
 * whether the question of the one before was answered.
 */
export class Liveness {
  readonly #options: LivenessOptions;
  readonly #timer: ReturnType<typeof setInterval>;
  #pingedAt = Number.NEGATIVE_INFINITY;
  #polledAt = performance.now();
  #wasLate = false;
  /** For how long nothing has come, as far as it counts. */
  #silence = 0;

  constructor(options: LivenessOptions) {
    this.#options = options;
    this.#timer = setInterval(() => this.#poll(), TIMES.interval);
  }

  close(): void {
    clearInterval(this.#timer);
  }

  #poll(): void {
    const { lastPacketAge, lastMessageAt, ping, onLost } = this.#options;
    const now = performance.now();
    const elapsed = now - this.#polledAt;
    const isLate = elapsed > TIMES.interval + STALL;
    const lastReceivedAt = Math.max(lastMessageAt(), now - (lastPacketAge() ?? Number.POSITIVE_INFINITY));
    if (!isLate) this.#silence = Math.min(this.#silence + elapsed, now - lastReceivedAt);
    else if (!this.#wasLate || lastReceivedAt >= this.#pingedAt) this.#silence = 0;
    else this.#silence += Math.min(elapsed, THROTTLED);
    this.#polledAt = now;
    this.#wasLate = isLate;
    if (this.#silence > TIMES.lost) {
      this.close();
      onLost();
    } else if (isLate || (this.#silence > TIMES.quiet && now - this.#pingedAt >= TIMES.ping)) {
      this.#pingedAt = now;
      ping();
    }
  }
}
