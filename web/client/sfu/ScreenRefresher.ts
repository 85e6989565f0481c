/** Has Chromium capture a shared screen several times at first, so that its first picture becomes sharp soon. */

/** How often it is captured, in milliseconds, and how many times. */
const REFRESH = { interval: 250, times: 6 };

/**
 * The first frame of a stream may have a quarter of a second's bitrate only, and those after it add the details. A screen that
 * stands still gives them once a second; a new reader of its track has Chromium capture it at once. Does nothing in browsers
 * without `MediaStreamTrackProcessor`.
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
