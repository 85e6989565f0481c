/** Decides when to rejoin after a closed connection: attempts with growing pauses, for a limited time. */
import type { CloseReason } from '../../client/index.ts';

/** Close reasons after which a rejoin can succeed and is wanted. */
export const rejoinReasons: ReadonlySet<CloseReason> = new Set<CloseReason>([
  'disconnected',
  'unresponsive',
  'serverClosing',
  'mediaLost',
  'sendBufferFull',
  'mediaFailed',
]);

export interface RejoinPolicyOptions {
  /**
   * Tries to rejoin; never rejects.
   * @returns whether another attempt follows; `restart` also restarts the time limit, after an answer of a busy server
   */
  attempt(): Promise<'stop' | 'retry' | 'restart'>;
  /** The time limit has passed. */
  onGivenUp(): void;
}

/** First and longest pause between attempts, and the time limit, in milliseconds. */
const RETRY = { firstPause: 300, maxPause: 4000, timeLimit: 60_000 };
/** A timer that fires this late, in milliseconds, means that the device was suspended: that time does not count. */
const SUSPENDED = 5000;

export class RejoinPolicy {
  readonly #options: RejoinPolicyOptions;
  #since: number | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(options: RejoinPolicyOptions) {
    this.#options = options;
  }

  /** Starts the attempts. Jitter in their pauses keeps a whole room from returning at once. */
  start(): void {
    const now = performance.now();
    this.#since ??= now;
    const elapsed = now - this.#since;
    if (elapsed > RETRY.timeLimit) {
      this.#options.onGivenUp();
      return;
    }
    const pause = Math.min(RETRY.maxPause, RETRY.firstPause + elapsed / 2) * (0.5 + Math.random());
    const due = now + pause;
    const timer = setTimeout(() => {
      if (performance.now() - due > SUSPENDED) this.#since = performance.now();
      void this.#options.attempt().then((next) => {
        // It was stopped during the attempt.
        if (this.#timer !== timer) return;
        if (next === 'restart') this.#since = undefined;
        if (next !== 'stop') this.start();
      });
    }, pause);
    this.#timer = timer;
  }

  /** The call is joined again, or over. */
  stop(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#since = undefined;
  }
}
