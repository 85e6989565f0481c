/** Decides when to restart ICE: on request, and repeatedly while media is lost, within the rate limit and a time limit. */
import type { MediaConnectionState } from '../events.ts';

export interface IceRestartPolicyOptions {
  /** Restarts ICE. Rejects if the server refuses it for now. */
  restart(): Promise<void>;
  /** The current state of the media connection. */
  connection(): MediaConnectionState;
  /** Media has been lost for so long that only a new session can help. */
  onGivenUp(): void;
}

/**
 * In milliseconds: how long media is lost before a restart, since many losses end by themselves; the least interval between
 * two restarts, which the server enforces; and how long media may be lost before restarts are given up.
 */
const TIMES = { lossDelay: 1500, minInterval: 5200, timeout: 30_000 };
/** How many times a requested restart is attempted while the server refuses it. */
const ATTEMPTS = 5;

export class IceRestartPolicy {
  readonly #options: IceRestartPolicyOptions;
  #lastRestartAt = Number.NEGATIVE_INFINITY;
  #lostSince: number | undefined;
  /** How many times a requested restart may still be attempted; 0 without a request. */
  #attemptsLeft = 0;
  #running = false;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #closed = false;

  constructor(options: IceRestartPolicyOptions) {
    this.#options = options;
  }

  /** Requests a restart, as soon as the rate limit allows one. */
  request(): void {
    this.#attemptsLeft = ATTEMPTS;
    this.#schedule();
  }

  /** The state of the media connection has changed: one that stays lost is restarted. */
  onConnectionChanged(): void {
    const connection = this.#options.connection();
    // `connecting` between two losses does not end the loss: a restart is being attempted.
    if (connection === 'connected') this.#lostSince = undefined;
    if (connection === 'lost') this.#lostSince ??= performance.now();
    this.#schedule();
  }

  close(): void {
    this.#closed = true;
    clearTimeout(this.#timer);
  }

  /** Derives the time of the next restart from the state alone, so that calling this repeatedly delays nothing. */
  #schedule(): void {
    if (this.#closed || this.#running) return;
    clearTimeout(this.#timer);
    const earliest = this.#lastRestartAt + TIMES.minInterval;
    const since = this.#attemptsLeft > 0 ? Number.NEGATIVE_INFINITY : this.#lostSince;
    if (since === undefined) return;
    const due = Math.max(earliest, since + TIMES.lossDelay);
    this.#timer = setTimeout(() => void this.#run(), Math.max(0, due - performance.now()));
  }

  async #run(): Promise<void> {
    // Media may have recovered by itself.
    if (this.#attemptsLeft === 0 && this.#options.connection() !== 'lost') return;
    if (this.#lostSince !== undefined && performance.now() - this.#lostSince > TIMES.timeout) {
      this.close();
      this.#options.onGivenUp();
      return;
    }
    this.#running = true;
    const left = Math.max(0, this.#attemptsLeft - 1);
    this.#attemptsLeft = 0;
    try {
      await this.#options.restart();
    } catch {
      // The rate limit of the server, or a lost connection: attempt it again, unless another request has come meanwhile.
      this.#attemptsLeft = Math.max(this.#attemptsLeft, left);
    }
    this.#running = false;
    this.#lastRestartAt = performance.now();
    this.onConnectionChanged();
  }
}
