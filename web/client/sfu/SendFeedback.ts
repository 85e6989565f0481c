/** Measures for how long sent media has had no RTCP report: transport-wide congestion control reports within 100 ms. */
import type { TransportReport } from '../stats.ts';

export class SendFeedback {
  readonly #report: () => Promise<TransportReport | undefined>;
  #last: TransportReport | undefined;
  /** Whether a report has ever arrived on this transport: what has never started cannot stop. */
  #reported = false;
  /** When packets were first found to be sent without a report since (`performance.now()`). */
  #unreportedSince: number | undefined;
  #polling = false;

  /** @param report returns the counters of the sending transport; undefined if there is none */
  constructor(report: () => Promise<TransportReport | undefined>) {
    this.#report = report;
  }

  /**
   * Counts for the next call; call it a few times a second.
   * @returns for how long what is sent has had no report, in milliseconds: 0 while everything has one, also while nothing
   *   is sent; undefined before the first report
   */
  poll(): number | undefined {
    if (!this.#polling) void this.#count();
    if (!this.#reported) return undefined;
    return this.#unreportedSince === undefined ? 0 : performance.now() - this.#unreportedSince;
  }

  /** Call it instead of `poll` while that is not called: what is sent meanwhile does not count as unreported. */
  pause(): void {
    this.#last = undefined;
    this.#unreportedSince = undefined;
  }

  async #count(): Promise<void> {
    this.#polling = true;
    const now = await this.#report().catch(() => undefined);
    this.#polling = false;
    const last = this.#last;
    this.#last = now;
    // Counters of another transport, or of none.
    if (!now || (last && (now.sent < last.sent || now.bytesReceived < last.bytesReceived))) {
      this.#reported = false;
      this.#unreportedSince = undefined;
    } else if (last && now.bytesReceived > last.bytesReceived) {
      this.#reported = true;
      this.#unreportedSince = undefined;
    } else if (last && now.sent > last.sent) {
      // A microphone during silence (DTX) sends one packet each 400 ms, and each of them has a report.
      this.#unreportedSince ??= performance.now();
    }
  }
}
