/** Measures how fast a worker answers, several times a second: media waits as long for its one thread as requests do. */

import { monitorEventLoopDelay } from 'node:perf_hooks';

export interface ResponseTimesOptions {
  /** Sends a request; resolves with the answer. A rejection is an answer, too. */
  ask(): Promise<unknown>;
  /** Called with how long each answer took, in milliseconds, without delays of this process. */
  onResponse?(time: number): void;
  /** The longest delay of this process's own event loop since `reset`; measured by default. */
  readonly ownDelay?: OwnDelay;
}

interface OwnDelay {
  /** Nanoseconds. */
  readonly max: number;
  reset(): void;
}

/**
 * In milliseconds: the interval of requests; the response time that counts as slow, after which video stutters and which
 * a worker that keeps up takes only for single requests; the time that is judged; and how long a worker counts as slow
 * after that: senders need so long to send as much as before.
 */
const TIMES = { interval: 200, slow: 120, window: 4000, hold: 10_000 };
/** Interval in which the delay of the event loop is sampled, in milliseconds. */
const RESOLUTION = 20;
/** So many slow requests within the window, and so large a share of all, make a slow worker. */
const SLOW = { least: 3, share: 0.25 };

interface Response {
  readonly at: number;
  readonly slow: boolean;
}

export class ResponseTimes {
  readonly #options: ResponseTimesOptions;
  readonly #ownDelay: OwnDelay;
  readonly #stopMeasuring: () => void;
  readonly #timer: NodeJS.Timeout;
  #responses: readonly Response[] = [];
  /** When the request was sent that has no answer yet (`performance.now()`). */
  #askedAt: number | undefined;
  #slowUntil = Number.NEGATIVE_INFINITY;

  constructor(options: ResponseTimesOptions) {
    const { ownDelay } = options;
    this.#options = options;
    const histogram = monitorEventLoopDelay({ resolution: RESOLUTION });
    this.#ownDelay = ownDelay ?? histogram;
    if (!ownDelay) histogram.enable();
    this.#stopMeasuring = () => histogram.disable();
    this.#timer = setInterval(() => this.#poll(), TIMES.interval);
  }

  /** Whether requests wait for the worker, or did so some seconds ago. */
  get slow(): boolean {
    return performance.now() < this.#slowUntil;
  }

  close(): void {
    clearInterval(this.#timer);
    this.#stopMeasuring();
  }

  #poll(): void {
    const now = performance.now();
    if (this.#askedAt !== undefined) {
      // Each interval without an answer counts, so that a frozen worker is found before it answers.
      if (this.#workerTime(now - this.#askedAt) > TIMES.slow) this.#add(true);
      return;
    }
    this.#askedAt = now;
    this.#ownDelay.reset();
    const answered = () => {
      this.#askedAt = undefined;
      const time = this.#workerTime(performance.now() - now);
      this.#add(time > TIMES.slow);
      this.#options.onResponse?.(time);
    };
    this.#options.ask().then(answered, answered);
  }

  /** @returns how much of `time` is the worker's: what this process was itself late, in sending or in receiving, is not */
  #workerTime(time: number): number {
    // The histogram has the whole time between two of its samples.
    const ownDelay = Math.max(0, this.#ownDelay.max / 1e6 - RESOLUTION);
    return Math.max(0, time - ownDelay);
  }

  #add(isSlow: boolean): void {
    const now = performance.now();
    this.#responses = [...this.#responses, { at: now, slow: isSlow }].filter(({ at }) => now - at < TIMES.window);
    const slow = this.#responses.filter((one) => one.slow).length;
    if (slow >= SLOW.least && slow >= this.#responses.length * SLOW.share) this.#slowUntil = now + TIMES.hold;
  }
}
