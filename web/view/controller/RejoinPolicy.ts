/** Owns coming back after a break that ended our stay: one attempt after another, until one is the last or it takes too long. */
import type { CloseReason } from '../../client/index.ts';

/** Reasons after which coming back can work, and nobody wants us gone. */
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
   * Tries it; it never rejects.
   * @returns whether another attempt should follow: `afresh` when the server has answered, and let us wait already
   */
  attempt(): Promise<'stop' | 'retry' | 'restart'>;
  /** It has taken too long. */
  onGivenUp(): void;
}

/** Pauses between attempts, and when to give up, in milliseconds. */
const RETRY = { first: 300, most: 4000, giveUp: 60_000 };
/** A timer that is so late says that this device slept: that time was not spent trying. In milliseconds. */
const SUSPENDED = 5000;

export class RejoinPolicy {
  readonly #options: RejoinPolicyOptions;
  #since: number | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(options: RejoinPolicyOptions) {
    this.#options = options;
  }

  /** Tries, with growing pauses and some chance in them, so that a whole room does not return at once. */
  start(): void {
    const now = performance.now();
    this.#since ??= now;
    const tried = now - this.#since;
    if (tried > RETRY.giveUp) {
      this.#options.onGivenUp();
      return;
    }
    const pause = Math.min(RETRY.most, RETRY.first + tried / 2) * (0.5 + Math.random());
    const due = now + pause;
    this.#timer = setTimeout(() => {
      if (performance.now() - due > SUSPENDED) this.#since = performance.now();
      void this.#options.attempt().then((next) => {
        if (next === 'restart') this.#since = undefined;
        if (next !== 'stop') this.start();
      });
    }, pause);
  }

  /** We are back, or do not want to be. */
  stop(): void {
    clearTimeout(this.#timer);
    this.#since = undefined;
  }
}
