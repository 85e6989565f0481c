/** Owns noticing that something has stopped answering: a request that it never answers would wait for ever. */

export interface WatchdogOptions {
  /** Asks; resolves with the answer. A rejection is an answer, too. */
  ask(): Promise<unknown>;
  /** How long an answer may take, in milliseconds. */
  readonly responseTimeout: number;
  /** It was patient for long enough. Called once. */
  onSilence(): void;
}

/** The patience has so many turns; it is turns that are counted, as time also passes while we are not running. */
const TURNS = 5;

export class Watchdog {
  readonly #options: WatchdogOptions;
  readonly #timer: NodeJS.Timeout;
  /** Turns since the question that has no answer yet. */
  #unanswered = 0;

  constructor(options: WatchdogOptions) {
    this.#options = options;
    this.#timer = setInterval(() => this.#turn(), options.responseTimeout / TURNS);
  }

  /** Whether the last answer came at once. */
  get responsive(): boolean {
    return this.#unanswered < 2;
  }

  close(): void {
    clearInterval(this.#timer);
  }

  #turn(): void {
    this.#unanswered += 1;
    if (this.#unanswered > TURNS) {
      this.close();
      this.#options.onSilence();
    } else if (this.#unanswered === 1) {
      const answered = () => {
        this.#unanswered = 0;
      };
      this.#options.ask().then(answered, answered);
    }
  }
}
