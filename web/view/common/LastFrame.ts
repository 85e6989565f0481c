/** Owns the last picture of a video, which stands where the next one is to come. */
import { element } from './dom.ts';

/** Its longer side at most, in pixels: it is seen for a moment, and there may be many. */
const MAX_SIDE = 640;
/** Pictures are faded in for less than that, in milliseconds. */
const FADE = 400;

export class LastFrame {
  #timer: ReturnType<typeof setTimeout> | undefined;
  readonly root = element('canvas', { className: 'last-frame', hidden: true, ariaHidden: 'true' });

  /** Keeps what the video shows now; nothing happens where it shows nothing. */
  capture(video: HTMLVideoElement): void {
    const { videoWidth, videoHeight } = video;
    if (videoWidth === 0 || videoHeight === 0 || video.readyState < HTMLMediaElement.HAVE_CURRENT_DATA) return;
    const scale = Math.min(1, MAX_SIDE / Math.max(videoWidth, videoHeight));
    this.root.width = Math.round(videoWidth * scale);
    this.root.height = Math.round(videoHeight * scale);
    this.root.getContext('2d')?.drawImage(video, 0, 0, this.root.width, this.root.height);
    this.root.hidden = false;
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  /** Whether there is one. */
  get visible(): boolean {
    return !this.root.hidden;
  }

  /** When the next picture has been faded in over it. */
  clearAfterFade(): void {
    if (this.visible) this.#timer ??= setTimeout(() => this.clear(), FADE);
  }

  clear(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    if (this.root.hidden) return;
    this.root.hidden = true;
    // What it took is given back.
    this.root.width = this.root.height = 0;
  }
}
