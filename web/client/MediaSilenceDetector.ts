/** Notices that media has stopped coming, or the reports on what is sent, seconds before the browser says that its path is lost. */

export interface MediaSilenceDetectorOptions {
  /** How long ago the last packet came, in milliseconds; undefined where none is to be expected. */
  lastPacketAt(): number | undefined;
  /** It should come, and does not. Once for each silence. */
  onSilence(): void;
}

/** How often it is felt, and what counts as silence, in milliseconds: voices and pictures come many times as often. */
const TIMES = { every: 300, silence: 600 };

export class MediaSilenceDetector {
  readonly #options: MediaSilenceDetectorOptions;
  readonly #timer: ReturnType<typeof setInterval>;
  #silent = false;
  /** Whether it has beaten: what never came cannot stop. */
  #polledAt = false;

  constructor(options: MediaSilenceDetectorOptions) {
    this.#options = options;
    this.#timer = setInterval(() => this.#poll(), TIMES.every);
  }

  close(): void {
    clearInterval(this.#timer);
  }

  #poll(): void {
    const age = this.#options.lastPacketAt();
    const silent = age !== undefined && age > TIMES.silence;
    // What was not expected for a while, as a picture that nobody saw, has to begin first.
    if (age === undefined) this.#polledAt = false;
    else if (!silent) this.#polledAt = true;
    const news = silent && !this.#silent && this.#polledAt;
    this.#silent = silent;
    if (news) this.#options.onSilence();
  }
}
