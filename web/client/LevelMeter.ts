/** Owns how loud one track of ours is, for meters and for the ring around our own picture. */

export class LevelMeter {
  #context: AudioContext | undefined;
  #source: MediaStreamAudioSourceNode | undefined;
  #analyser: AnalyserNode | undefined;
  #track: MediaStreamTrack | undefined;
  #samples = new Float32Array(512);

  /** Listens to another track, or to none. */
  listenTo(track: MediaStreamTrack | undefined): void {
    if (track === this.#track) return;
    this.#track = track;
    this.#source?.disconnect();
    this.#source = undefined;
    if (!track) return;
    this.#context ??= new AudioContext();
    this.#analyser ??= new AnalyserNode(this.#context, { fftSize: this.#samples.length });
    this.#source = this.#context.createMediaStreamSource(new MediaStream([track]));
    this.#source.connect(this.#analyser);
  }

  /** Root mean square of the last 10 ms or so, 0 to 1; 0 as well while the browser has not let sound run. */
  get level(): number {
    if (!this.#source || !this.#analyser) return 0;
    // A page that has not been clicked yet may have to ask again.
    if (this.#context?.state === 'suspended') void this.#context.resume().catch(() => {});
    this.#analyser.getFloatTimeDomainData(this.#samples);
    const power = this.#samples.reduce((sum, sample) => sum + sample * sample, 0) / this.#samples.length;
    return Math.sqrt(power);
  }

  close(): void {
    this.listenTo(undefined);
    void this.#context?.close().catch(() => {});
    this.#context = undefined;
    this.#analyser = undefined;
  }
}
