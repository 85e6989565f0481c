/** Measures how loud one track of ours is, for meters and for the ring around our own picture. */

/** A sound graph whose time has not moved for so long, in milliseconds, does not run. */
const STALLED = 500;

/** What a browser takes for the wish of somebody that sound may run. */
const gestures = ['pointerdown', 'pointerup', 'keydown', 'touchend'] as const;

export class LevelMeter {
  #context: AudioContext | undefined;
  #source: MediaStreamAudioSourceNode | undefined;
  #analyser: AnalyserNode | undefined;
  #track: MediaStreamTrack | undefined;
  #samples = new Float32Array(512);
  /** The time of the sound graph when it was last looked at, and when it was seen to move. */
  #time = { seen: 0, movedAt: Number.NEGATIVE_INFINITY };
  readonly #closed = new AbortController();
  readonly #resume = () => {
    if (this.#context && this.#context.state !== 'running') void this.#context.resume().catch(() => {});
  };

  /** Listens to another track, or to none, from the next time that its level is asked for. */
  listenTo(track: MediaStreamTrack | undefined): void {
    if (track === this.#track) return;
    this.#track = track;
    this.#source?.disconnect();
    this.#source = undefined;
  }

  /**
   * Root mean square of the last 10 ms or so, 0 to 1. Undefined while it is not measured: there is no track, or the browser
   * does not let sound run, as before the first click, or without a sound card. That says nothing of the microphone.
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

  /** Whether the sound graph runs: a context may say so while nothing drives it. */
  #runs(): boolean {
    const context = this.#context;
    if (context?.state !== 'running') {
      // A page that has not been clicked yet may have to ask again.
      this.#resume();
      return false;
    }
    const now = performance.now();
    if (context.currentTime !== this.#time.seen) this.#time = { seen: context.currentTime, movedAt: now };
    return now - this.#time.movedAt < STALLED;
  }

  /** Made at first use: a sound graph keeps a core busy for a while, which a page that loads has better use for. */
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
      // A browser without any sound, or with too many sound graphs, measures nothing.
      return undefined;
    }
  }

  #open(): AudioContext {
    const context = new AudioContext();
    const { signal } = this.#closed;
    // Some browsers let sound run only when that is asked for in answer to a gesture.
    for (const gesture of gestures) addEventListener(gesture, this.#resume, { capture: true, signal });
    return context;
  }
}
