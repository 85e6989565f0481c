/** Measures the audio level of one local track. */

/** An AudioContext whose time has stood still for so long, in milliseconds, does not run. */
const STALL_TIMEOUT = 500;

/** The user gestures after which browsers allow an AudioContext to run. */
const gestures = ['pointerdown', 'pointerup', 'keydown', 'touchend'] as const;

export class LevelMeter {
  #context: AudioContext | undefined;
  #source: MediaStreamAudioSourceNode | undefined;
  #analyser: AnalyserNode | undefined;
  #track: MediaStreamTrack | undefined;
  #samples = new Float32Array(512);
  /** The time of the AudioContext at the last poll, and when it last advanced. */
  #time = { seen: 0, movedAt: Number.NEGATIVE_INFINITY };
  readonly #closed = new AbortController();
  readonly #resume = () => {
    if (this.#context && this.#context.state !== 'running') void this.#context.resume().catch(() => {});
  };

  /** Measures another track, or none, from the next read of `level` on. */
  listenTo(track: MediaStreamTrack | undefined): void {
    if (track === this.#track) return;
    this.#track = track;
    this.#source?.disconnect();
    this.#source = undefined;
  }

  /**
   * The root mean square of the last 10 ms, 0 to 1. Undefined while it cannot be measured: without a track, or while the
   * browser does not run the AudioContext, as before the first user gesture or without a sound card.
   */
  get level(): number | undefined {
    if (!this.#track) return undefined;
    const analyser = this.#connect(this.#track);
    if (!analyser || !this.#runs()) return undefined;
    analyser.getFloatTimeDomainData(this.#samples);
    const power = this.#samples.reduce((sum, sample) => sum + sample * sample, 0) / this.#samples.length;
    return Math.sqrt(power);
  }

  close(): void {
    this.listenTo(undefined);
    this.#closed.abort();
    void this.#context?.close().catch(() => {});
    this.#context = undefined;
    this.#analyser = undefined;
  }

  /** Whether the AudioContext runs: its state may be `running` although its time stands still. */
  #runs(): boolean {
    const context = this.#context;
    if (context?.state !== 'running') {
      // Before the first user gesture this has no effect; it is repeated.
      this.#resume();
      return false;
    }
    const now = performance.now();
    if (context.currentTime !== this.#time.seen) this.#time = { seen: context.currentTime, movedAt: now };
    return now - this.#time.movedAt < STALL_TIMEOUT;
  }

  /** Created at the first use: an AudioContext keeps a core busy for a while, which would delay the loading page. */
  #connect(track: MediaStreamTrack): AnalyserNode | undefined {
    try {
      this.#context ??= this.#open();
      this.#analyser ??= new AnalyserNode(this.#context, { fftSize: this.#samples.length });
      if (!this.#source) {
        this.#source = this.#context.createMediaStreamSource(new MediaStream([track]));
        this.#source.connect(this.#analyser);
      }
      return this.#analyser;
    } catch {
      // No audio support, or too many AudioContexts: nothing is measured.
      return undefined;
    }
  }

  #open(): AudioContext {
    const context = new AudioContext();
    const { signal } = this.#closed;
    // Some browsers accept `resume` only in the handler of a user gesture.
    for (const gesture of gestures) addEventListener(gesture, this.#resume, { capture: true, signal });
    return context;
  }
}
