/** Tells the server which direct connections have failed; a report that it refuses for now is sent again when it may be. */
import { WeirError } from '../../../shared/errors.ts';
import type { Request } from '../Signalling.ts';

/** The pause after a refusal that says no time, or after a report without an answer, in milliseconds. */
const PAUSE = 1000;

export interface FailureReportsOptions {
  readonly request: Request;
  /** Whether this is still the negotiation with the peer: the failure of a former one does not matter any more. */
  isCurrent(peerId: string, negotiation: number): boolean;
}

export class FailureReports {
  readonly #options: FailureReportsOptions;
  /** By peer: when its report is sent again. */
  readonly #timers = new Map<string, ReturnType<typeof setTimeout>>();
  #closed = false;

  constructor(options: FailureReportsOptions) {
    this.#options = options;
  }

  /** The connection with a peer has failed. */
  async report(peerId: string, negotiation: number): Promise<void> {
    const { request, isCurrent } = this.#options;
    clearTimeout(this.#timers.get(peerId));
    this.#timers.delete(peerId);
    if (this.#closed || !isCurrent(peerId, negotiation)) return;
    try {
      await request('reportDirectFailure', { peerId, negotiation });
    } catch (error) {
      const { code, retryAfter } = WeirError.from(error);
      // Any other refusal is of a pair that is none any more.
      if (this.#closed || (code !== 'rateLimited' && code !== 'timeout')) return;
      const pause = Math.max(PAUSE, (retryAfter ?? 0) * 1000);
      // A later report of the same peer may have been refused meanwhile.
      clearTimeout(this.#timers.get(peerId));
      this.#timers.set(
        peerId,
        setTimeout(() => void this.report(peerId, negotiation), pause),
      );
    }
  }

  close(): void {
    this.#closed = true;
    for (const timer of this.#timers.values()) clearTimeout(timer);
    this.#timers.clear();
  }
}
