/** Keeps the last frame of a video in its place until the next track plays. */
import { element } from './dom.ts';

/** The maximum of the longer side, in pixels: a frame is shown for a moment only, and a page may have many. */
const MAX_SIDE = 640;
/** Longer than the fade-in of a video, in milliseconds. */
const FADE_DURATION = 400;

export class LastFrame {
  #timer: ReturnType<typeof setTimeout> | undefined;
  readonly root = element('canvas', { className: 'last-frame', hidden: true, ariaHidden: 'true' });

  /** Captures the current frame; does nothing where the video has none. */
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

  /** Whether a frame is shown. */
  get visible(): boolean {
    return !this.root.hidden;
  }

  /** Removes it once the next video has been faded in over it. */
  clearAfterFade(): void {
    if (this.visible) this.#timer ??= setTimeout(() => this.clear(), FADE_DURATION);
  }

  clear(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    if (this.root.hidden) return;
    this.root.hidden = true;
    // Releases the memory of the canvas.
    this.root.width = this.root.height = 0;
  }
}
