/** Detects that received media, or RTCP reports on sent media, have stopped: seconds before the browser reports a lost path. */

export interface MediaSilenceDetectorOptions {
  /** The age of the last packet, in milliseconds; undefined if none is expected. */
  lastPacketAge(): number | undefined;
  /** Packets are expected and have stopped. Called when they do, and again after 2, 4, 8, ... seconds while they are missing. */
  onSilence(): void;
}

/**
 * In milliseconds. Audio, video and reports arrive several times within the threshold. A silence is reported again, at
 * growing intervals, since one check of it may be inconclusive.
 */
const TIMES = { pollInterval: 300, threshold: 600, repeat: 2000 };

export class MediaSilenceDetector {
  readonly #options: MediaSilenceDetectorOptions;
  readonly #timer: ReturnType<typeof setInterval>;
  /** While it is silent: when that is reported next (`performance.now()`), and the interval after that. */
  #next: { at: number; interval: number } | undefined;
  /** Whether packets have arrived since they are expected: what has never started cannot stop. */
  #wasActive = false;

  constructor(options: MediaSilenceDetectorOptions) {
    this.#options = options;
    this.#timer = setInterval(() => this.#poll(), TIMES.pollInterval);
  }

  /** Reports a silence that lasts at the next poll, rather than when its interval ends. */
  reportAgain(): void {
    this.#next = undefined;
  }

  close(): void {
    clearInterval(this.#timer);
  }

  #poll(): void {
    const age = this.#options.lastPacketAge();
    const silent = age !== undefined && age > TIMES.threshold;
    // Media that was not expected for a while, such as a hidden video, has to start again first.
    if (age === undefined) this.#wasActive = false;
    else if (!silent) this.#wasActive = true;
    if (!silent) this.#next = undefined;
    else if (this.#wasActive) this.#report();
  }

  #report(): void {
    const now = performance.now();
    if (this.#next && now < this.#next.at) return;
    const interval = this.#next ? this.#next.interval * 2 : TIMES.repeat;
    this.#next = { at: now + interval, interval };
    this.#options.onSilence();
  }
}
