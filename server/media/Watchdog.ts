/** Detects that a worker has stopped answering: mediasoup's requests have no timeout, and would wait for ever. */

export interface WatchdogOptions {
  /** Sends a request; resolves with the answer. A rejection is an answer, too. */
  ask(): Promise<unknown>;
  /** How long an answer may take, in milliseconds. */
  readonly responseTimeout: number;
  /** Called once, when there was no answer for `responseTimeout`. */
  onSilence(): void;
}

/** The timeout is counted in so many turns of a timer, since time also passes while this process is suspended. */
const TURNS = 5;

export class Watchdog {
  readonly #options: WatchdogOptions;
  readonly #timer: NodeJS.Timeout;
  /** Turns since the request that has no answer yet. */
  #unanswered = 0;

  constructor(options: WatchdogOptions) {
    this.#options = options;
    this.#timer = setInterval(() => this.#turn(), options.responseTimeout / TURNS);
  }

  /** Whether the last request was answered within one turn. */
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
