/** Detects that received media, or RTCP reports on sent media, have stopped: seconds before the browser reports a lost path. */

export interface MediaSilenceDetectorOptions {
  /** The age of the last packet, in milliseconds; undefined if none is expected. */
  lastPacketAge(): number | undefined;
  /** Packets are expected and have stopped. Called once for each silence. */
  onSilence(): void;
}

/** In milliseconds. Audio, video and reports arrive several times within the threshold. */
const TIMES = { pollInterval: 300, threshold: 600 };

export class MediaSilenceDetector {
  readonly #options: MediaSilenceDetectorOptions;
  readonly #timer: ReturnType<typeof setInterval>;
  #silent = false;
  /** Whether packets have arrived since they are expected: what has never started cannot stop. */
  #wasActive = false;

  constructor(options: MediaSilenceDetectorOptions) {
    this.#options = options;
    this.#timer = setInterval(() => this.#poll(), TIMES.pollInterval);
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
    const isNew = silent && !this.#silent && this.#wasActive;
    this.#silent = silent;
    if (isNew) this.#options.onSilence();
  }
}
