/** Makes Chromium capture a shared screen several times at the start, so that the first picture becomes sharp soon. */

/** The interval of the captures, in milliseconds, and their number. */
const REFRESH = { interval: 250, times: 6 };

/**
 * The encoder gives the first frame of a stream a quarter of a second's bitrate only, and the frames after it add the
 * details. A screen that does not change gives one frame a second, but Chromium captures it at once for each new reader of
 * its track. Does nothing in browsers without `MediaStreamTrackProcessor`.
 */
export class ScreenRefresher implements Disposable {
  readonly #timer: ReturnType<typeof setInterval>;
  #left = REFRESH.times;

  constructor(track: MediaStreamTrack) {
    this.#timer = setInterval(() => this.#refresh(track), REFRESH.interval);
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer);
  }

  #refresh(track: MediaStreamTrack): void {
    this.#left -= 1;
    const Processor = window.MediaStreamTrackProcessor;
    if (this.#left <= 0 || !Processor || track.readyState === 'ended') clearInterval(this.#timer);
    if (!Processor || track.readyState === 'ended') return;
    new Processor({ track }).readable.cancel().catch(() => {});
  }
}
