/** Owns the last picture of a video, which stands where the next one is to come. */
import { element } from './dom.ts';

/** Its longer side at most, in pixels: it is seen for a moment, and there may be many. */
const LARGEST = 640;

export class Still {
  readonly root = element('canvas', { className: 'still', hidden: true, ariaHidden: 'true' });

  /** Keeps what the video shows now; nothing happens where it shows nothing. */
  take(video: HTMLVideoElement): void {
    const { videoWidth, videoHeight } = video;
    if (videoWidth === 0 || videoHeight === 0 || video.readyState < HTMLMediaElement.HAVE_CURRENT_DATA) return;
    const scale = Math.min(1, LARGEST / Math.max(videoWidth, videoHeight));
    this.root.width = Math.round(videoWidth * scale);
    this.root.height = Math.round(videoHeight * scale);
    this.root.getContext('2d')?.drawImage(video, 0, 0, this.root.width, this.root.height);
    this.root.hidden = false;
  }

  /** Whether there is one. */
  get shown(): boolean {
    return !this.root.hidden;
  }

  drop(): void {
    if (this.root.hidden) return;
    this.root.hidden = true;
    // What it took is given back.
    this.root.width = this.root.height = 0;
  }
}
