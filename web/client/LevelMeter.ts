/** Owns how loud one track of ours is, for meters and for the ring around our own picture. */

export class LevelMeter {
  #context: AudioContext | undefined;
  #source: MediaStreamAudioSourceNode | undefined;
  #analyser: AnalyserNode | undefined;
  #track: MediaStreamTrack | undefined;
  #samples = new Float32Array(512);

  /** Listens to another track, or to none, from the next time that its level is asked for. */
  listenTo(track: MediaStreamTrack | undefined): void {
    if (track === this.#track) return;
    this.#track = track;
    this.#source?.disconnect();
    this.#source = undefined;
  }

  /** Root mean square of the last 10 ms or so, 0 to 1; 0 as well while the browser has not let sound run. */
  get level(): number {
    if (!this.#track) return 0;
    const analyser = this.#connect(this.#track);
    // A page that has not been clicked yet may have to ask again.
    if (this.#context?.state === 'suspended') void this.#context.resume().catch(() => {});
    analyser.getFloatTimeDomainData(this.#samples);
    const power = this.#samples.reduce((sum, sample) => sum + sample * sample, 0) / this.#samples.length;
    return Math.sqrt(power);
  }

  close(): void {
    this.listenTo(undefined);
    void this.#context?.close().catch(() => {});
    this.#context = undefined;
    this.#analyser = undefined;
  }

  /** Made at first use: a sound graph keeps a core busy for a while, which a page that loads has better use for. */
  #connect(track: MediaStreamTrack): AnalyserNode {
    this.#context ??= new AudioContext();
    this.#analyser ??= new AnalyserNode(this.#context, { fftSize: this.#samples.length });
    if (!this.#source) {
      this.#source = this.#context.createMediaStreamSource(new MediaStream([track]));
      this.#source.connect(this.#analyser);
    }
    return this.#analyser;
  }
}
