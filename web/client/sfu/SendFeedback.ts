/** Tells how long ago the server last reported on what is sent (RTCP): with transport-wide congestion control, ten times a second. */
import type { TransportReport } from '../stats.ts';

/** So many packets between two calls are a stream; a voice that pauses sends fewer, and is reported on more rarely. */
const STREAM = 4;

export class SendFeedback {
  readonly #report: () => Promise<TransportReport | undefined>;
  #last: TransportReport | undefined;
  #reportedAt: number | undefined;
  #polling = false;

  /** @param report the counters of the sending transport; undefined where there is none */
  constructor(report: () => Promise<TransportReport | undefined>) {
    this.#report = report;
  }

  /**
   * Counts anew for the next call; call it a few times a second.
   * @returns the age of the last report as of the last count, in milliseconds; undefined while nothing is sent
   */
  poll(): number | undefined {
    if (!this.#polling) void this.#count();
    return this.#reportedAt === undefined ? undefined : performance.now() - this.#reportedAt;
  }

  async #count(): Promise<void> {
    this.#polling = true;
    const now = await this.#report().catch(() => undefined);
    const last = this.#last;
    this.#last = now;
    this.#polling = false;
    if (!now || !last || now.sent - last.sent < STREAM) this.#reportedAt = undefined;
    else if (now.bytesReceived !== last.bytesReceived) this.#reportedAt = performance.now();
  }
}
