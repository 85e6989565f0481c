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
 * In milliseconds: the interval of looks; after how long without a packet the other end is asked, and how often; and after
 * how long without an answer the connection is lost. A microphone in silence sends a packet each 400 ms.
 */
const TIMES = { interval: 250, quiet: 600, ping: 500, lost: 1600 };
/** A look that comes so much later than it should says that this page stood still, not the connection. */
const STALL = 600;

export class Liveness {
  readonly #options: LivenessOptions;
  readonly #timer: ReturnType<typeof setInterval>;
  #pingedAt = Number.NEGATIVE_INFINITY;
  #lookedAt = performance.now();
  /** Before this time nothing counts as missing. */
  #countsFrom = performance.now();

  constructor(options: LivenessOptions) {
    this.#options = options;
    this.#timer = setInterval(() => this.#look(), TIMES.interval);
  }

  close(): void {
    clearInterval(this.#timer);
  }

  #look(): void {
    const now = performance.now();
    if (now - this.#lookedAt > TIMES.interval + STALL) this.#countsFrom = now;
    this.#lookedAt = now;
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
