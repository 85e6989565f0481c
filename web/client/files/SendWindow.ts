/**
 * How many bytes of one transfer may be on their way: a window that grows while messages arrive promptly, and shrinks as soon
 * as they queue (LEDBAT, RFC 6817), so that calls on the same link keep their bandwidth.
 */

/** Bytes. It bounds what server and pages hold for a transfer. */
const MAX = 2 * 1024 * 1024;
/** By how much it grows at most for as many acknowledged bytes as it has. */
const GAIN = 64 * 1024;
/** The queueing delay that is aimed at, in milliseconds (RFC 6817, section 2.3), and the smallest window in bytes. */
const MODES = { alone: { target: 200, min: 512 * 1024 }, besideMedia: { target: 25, min: 64 * 1024 } };
/** How long a base delay counts, in milliseconds (BASE_HISTORY of section 2.3): paths change. */
const BASE_HISTORY = 60_000;
/** The current delay is the smallest of so many (CURRENT_FILTER). */
const CURRENT_FILTER = 4;
/** The window shrinks at most once per so many milliseconds, and at most by half. */
const DECREASE_INTERVAL = 100;

export class SendWindow {
  readonly #isBesideMedia: () => boolean;
  #size = MODES.besideMedia.min;
  #isSlowStart = true;
  #base: { current: number; before: number; since: number } | undefined;
  #delays: number[] = [];
  #decreasedAt = Number.NEGATIVE_INFINITY;

  /** @param isBesideMedia whether a call goes on at present */
  constructor(isBesideMedia: () => boolean = () => false) {
    this.#isBesideMedia = isBesideMedia;
  }

  /** In bytes. */
  get size(): number {
    return this.#size;
  }

  /**
   * The receiver has acknowledged more.
   * @param bytes how many more
   * @param delay since the last of them was sent, in milliseconds
   * @param now as `performance.now()`
   */
  acknowledge(bytes: number, delay: number, now: number): void {
    const queueing = this.#queueingDelay(delay, now);
    const { target, min } = MODES[this.#isBesideMedia() ? 'besideMedia' : 'alone'];
    const offTarget = Math.max(-1, (target - queueing) / target);
    if (this.#isSlowStart && queueing > target / 2) this.#isSlowStart = false;
    if (this.#isSlowStart) this.#size += bytes;
    else if (offTarget >= 0) this.#size += (offTarget * bytes * GAIN) / this.#size;
    else if (now - this.#decreasedAt > DECREASE_INTERVAL) {
      this.#decreasedAt = now;
      this.#size *= Math.max(0.5, 1 + offTarget / 2);
    }
    this.#size = Math.min(MAX, Math.max(min, this.#size));
  }

  /** What was on its way is lost, or the path is another one. */
  reset(): void {
    this.#size = MODES.besideMedia.min;
    this.#isSlowStart = true;
    this.#base = undefined;
    this.#delays = [];
  }

  #queueingDelay(delay: number, now: number): number {
    this.#base ??= { current: delay, before: delay, since: now };
    if (now - this.#base.since > BASE_HISTORY) this.#base = { current: delay, before: this.#base.current, since: now };
    this.#base.current = Math.min(this.#base.current, delay);
    this.#delays = [...this.#delays, delay].slice(-CURRENT_FILTER);
    return Math.min(...this.#delays) - Math.min(this.#base.current, this.#base.before);
  }
}
