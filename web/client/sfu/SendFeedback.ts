/** Measures the age of the last RTCP report of the server on sent media: transport-wide congestion control sends ten a second. */
import type { TransportReport } from '../stats.ts';

/** Reports are expected if this many packets were sent between two polls. A microphone during silence (DTX) sends fewer. */
const MIN_PACKETS = 4;

export class SendFeedback {
  readonly #report: () => Promise<TransportReport | undefined>;
  #last: TransportReport | undefined;
  #reportedAt: number | undefined;
  #polling = false;

  /** @param report returns the counters of the sending transport; undefined if there is none */
  constructor(report: () => Promise<TransportReport | undefined>) {
    this.#report = report;
  }

  /**
   * Counts for the next call; call it a few times a second.
   * @returns the age of the last report, in milliseconds; undefined while no reports are expected
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
    if (!now || !last || now.sent - last.sent < MIN_PACKETS) this.#reportedAt = undefined;
    else if (now.bytesReceived !== last.bytesReceived) this.#reportedAt = performance.now();
  }
}
