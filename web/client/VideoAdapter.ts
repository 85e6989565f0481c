/** Adapts how one published video is sent to what its track gives while it is sent. */
import { FrameRepeater, type TrackSender } from './FrameRepeater.ts';

/** How often the track is measured, in milliseconds. */
const INTERVAL = 1000;
/** Frames a second: below the first a track counts as slow, and from the second on not any more. */
const SLOW = { below: 3, until: 5 };

export interface VideoAdapterOptions {
  readonly sender: TrackSender & Pick<RTCRtpSender, 'getStats'>;
  /** The track that is published now. */
  track(): MediaStreamTrack;
  /** Whether the track is slow has changed. */
  onSlow(slow: boolean): void;
}

/** What a track gave in one interval. */
interface Sample {
  readonly at: number;
  readonly frames: number;
}

export class VideoAdapter {
  readonly #options: VideoAdapterOptions;
  readonly #timer: ReturnType<typeof setInterval>;
  #repeater: FrameRepeater | undefined;
  #measured: MediaStreamTrack | undefined;
  #last: Sample | undefined;
  #slow = false;
  #measuring = false;
  #closed = false;

  constructor(options: VideoAdapterOptions) {
    this.#options = options;
    this.#timer = setInterval(() => void this.#measure(), INTERVAL);
    // A canvas gives a frame when it is drawn on, which may never happen again.
    if (isCanvas(options.track())) this.#setSlow(true);
  }

  /** Another track is published from now on. */
  trackReplaced(): void {
    this.#setSlow(isCanvas(this.#options.track()));
  }

  close(): void {
    this.#closed = true;
    clearInterval(this.#timer);
    this.#repeater?.[Symbol.dispose]();
    this.#repeater = undefined;
  }

  async #measure(): Promise<void> {
    if (this.#measuring) return;
    this.#measuring = true;
    try {
      const track = this.#options.track();
      const frames = await this.#frames();
      if (this.#closed || frames === undefined) return;
      const now = { at: performance.now(), frames };
      const before = this.#measured === track ? this.#last : undefined;
      this.#measured = track;
      this.#last = now;
      // A track that is disabled gives black frames, seldom.
      if (!before || frames < before.frames || !track.enabled) return;
      const rate = ((frames - before.frames) * 1000) / (now.at - before.at);
      if (this.#slow ? rate >= SLOW.until : rate < SLOW.below) this.#setSlow(!this.#slow);
    } finally {
      this.#measuring = false;
    }
  }

  /** How many frames the track has given. */
  async #frames(): Promise<number | undefined> {
    if (this.#repeater) return this.#repeater.frames;
    const report = await this.#options.sender.getStats().catch(() => undefined);
    let frames: number | undefined;
    report?.forEach((row: Record<string, unknown>) => {
      if (row.type === 'media-source' && typeof row.frames === 'number') frames = row.frames;
    });
    return frames;
  }

  #setSlow(slow: boolean): void {
    this.#last = undefined;
    const changed = slow !== this.#slow;
    this.#slow = slow;
    this.#repeater?.[Symbol.dispose]();
    const track = this.#options.track();
    this.#repeater = slow && !isRepeated(track) ? FrameRepeater.of(track) : undefined;
    void this.#send(this.#repeater?.track ?? track);
    if (changed) this.#options.onSlow(slow);
  }

  /** Has the sender take a track; what was wanted last is what it comes to. */
  async #send(track: MediaStreamTrack): Promise<void> {
    const { sender } = this.#options;
    if (this.#closed || sender.track === track) return;
    await sender.replaceTrack(track).catch(() => {});
    const wanted = this.#repeater?.track ?? this.#options.track();
    if (!this.#closed && track !== wanted) await this.#send(wanted);
  }
}

/** Whether Chromium repeats the frames of a track by itself: what it captures of a screen, unless it is to be smooth. */
function isRepeated(track: MediaStreamTrack): boolean {
  return track.getSettings().displaySurface !== undefined && track.contentHint !== 'motion';
}

function isCanvas(track: MediaStreamTrack): boolean {
  return 'CanvasCaptureMediaStreamTrack' in window && track instanceof CanvasCaptureMediaStreamTrack;
}
