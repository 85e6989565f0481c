/** Detects within two seconds that a direct connection carries nothing any more: browsers need five and more. */

export interface LivenessOptions {
  /** The age of the last packet of expected media, in milliseconds; undefined if none is expected. */
  lastPacketAge(): number | undefined;
  /** When the last message of the other end came (`performance.now()`). */
  lastMessageAt(): number;
  /** Requests a message from the other end. */
  ping(): void;
  /** Nothing has come for `TIMES.lost`. Called once. */
  onLost(): void;
}

/**
 * In milliseconds: the polling interval; after how long without a packet the other end is asked, and how often; and after
 * how long without an answer the connection is lost. A microphone in silence sends a packet each 400 ms.
 */
const TIMES = { interval: 250, quiet: 600, ping: 500, lost: 1600 };
/** If a poll is this late, the page was suspended, and nothing is known of the connection. */
const STALL = 600;

export class Liveness {
  readonly #options: LivenessOptions;
  readonly #timer: ReturnType<typeof setInterval>;
  #pingedAt = Number.NEGATIVE_INFINITY;
  #polledAt = performance.now();
  /** Before this time nothing counts as missing. */
  #countsFrom = performance.now();

  constructor(options: LivenessOptions) {
    this.#options = options;
    this.#timer = setInterval(() => this.#poll(), TIMES.interval);
  }

  close(): void {
    clearInterval(this.#timer);
  }

  #poll(): void {
    const now = performance.now();
    if (now - this.#polledAt > TIMES.interval + STALL) this.#countsFrom = now;
    this.#polledAt = now;
    const { lastPacketAge, lastMessageAt, ping, onLost } = this.#options;
    const lastHeard = Math.max(this.#countsFrom, lastMessageAt(), now - (lastPacketAge() ?? Number.POSITIVE_INFINITY));
    const age = now - lastHeard;
    if (age > TIMES.lost) {
      this.close();
      onLost();
    } else if (age > TIMES.quiet && now - this.#pingedAt >= TIMES.ping) {
      this.#pingedAt = now;
      ping();
    }
  }
}
