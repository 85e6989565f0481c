/** Adapts the encodings of one published video to its track while it is sent: to frame rate, size and content. */
import type { Source } from '../../../shared/media.ts';
import {
  type EncodingChoice,
  encodedSize,
  encodingsOf,
  layersIn,
  SCREEN_FRAMERATE,
  type Size,
  sizeOf,
} from './encodings.ts';
import { FrameRepeater, isCanvas, type TrackSender } from './FrameRepeater.ts';
import { type Content, ScreenContent } from './ScreenContent.ts';
import { ScreenRefresher } from './ScreenRefresher.ts';
import type { SenderLayerControl } from './SenderLayerControl.ts';

/** The interval of the measurements, in milliseconds. */
const INTERVAL = 1000;
/** In frames per second, with hysteresis: a track becomes slow below the first, and stops being slow at the second. */
const SLOW = { below: 3, until: 5 };

export interface VideoAdapterOptions {
  readonly sender: TrackSender & Pick<RTCRtpSender, 'getStats'>;
  /** The track that is published now. */
  track(): MediaStreamTrack;
  /** What the initial encodings were chosen for. */
  readonly choice: EncodingChoice;
  /** The content hint that `prepareTrack` has set; undefined if the application has set one. */
  readonly hint: Content | undefined;
  /** Changes the encodings. */
  readonly layers: Pick<SenderLayerControl, 'reshape'>;
  /**
   * The size of the track has changed.
   * @param size of the highest layer that is sent
   * @param layers the number of spatial layers
   */
  onResized(size: Size, layers: number): void;
}

/** One measurement of a track. */
interface Sample {
  readonly track: MediaStreamTrack;
  readonly at: number;
  readonly frames: number;
  /** The limit of the frame rate from then on, if any. */
  readonly limit: number | undefined;
  /** The bytes that were sent. */
  readonly bytes: number;
  readonly size: Size | undefined;
}

/** The screens whose hint was set here: one that is sent over two links has been given it by the first. */
const hinted = new WeakSet<MediaStreamTrack>();

/** Sets the content hint of a screen, unless the application has, so that its first frame is sharp. @returns the hint that was set */
export function prepareTrack(source: Source, track: MediaStreamTrack): Content | undefined {
  const isFree = track.contentHint === '' || (track.contentHint === 'detail' && hinted.has(track));
  if (source !== 'screen' || !isFree) return undefined;
  hinted.add(track);
  track.contentHint = 'detail';
  return 'detail';
}

/** The content type that the content hint of a screen requests. */
export function hintedContent({ contentHint }: MediaStreamTrack): Content {
  return contentHint === 'motion' ? 'motion' : 'detail';
}

export class VideoAdapter {
  readonly #options: VideoAdapterOptions;
  readonly #timer: ReturnType<typeof setInterval>;
  readonly #screen = new ScreenContent();
  #repeater: FrameRepeater | undefined;
  #refresher: ScreenRefresher | undefined;
  #last: Sample | undefined;
  #slow = false;
  #size: Size | undefined;
  /** The content that a screen is encoded for. */
  #content: Content | undefined;
  /** The current encodings, as JSON. */
  #shape: string;
  /** The content hint that was set here, and its track. Any other hint is the choice of the application. */
  #hinted: { readonly track: MediaStreamTrack; readonly hint: Content } | undefined;
  #measuring = false;
  #closed = false;

  constructor(options: VideoAdapterOptions) {
    this.#options = options;
    this.#size = options.choice.size;
    this.#content = options.choice.content;
    this.#shape = JSON.stringify(encodingsOf(options.choice));
    this.#hinted = options.hint && { track: options.track(), hint: options.hint };
    this.#timer = setInterval(() => void this.#measure(), INTERVAL);
    // A canvas gives a frame only when it is drawn on, which may never happen again.
    if (isCanvas(options.track())) this.#setSlow(true);
    this.#refreshScreen();
  }

  /** The track was replaced by another one. */
  trackReplaced(): void {
    const track = this.#options.track();
    this.#resetHint();
    this.#setContent();
    // Only a canvas may stay slow until it is measured.
    this.#setSlow(this.#slow && isCanvas(track));
    this.#setSize(sizeOf(track));
    this.#refreshScreen();
  }

  close(): void {
    this.#closed = true;
    clearInterval(this.#timer);
    this.#resetHint();
    this.#refresher?.[Symbol.dispose]();
    this.#repeater?.[Symbol.dispose]();
    this.#repeater = undefined;
  }

  async #measure(): Promise<void> {
    if (this.#measuring) return;
    this.#measuring = true;
    const before = this.#last;
    const now = await this.#sample();
    this.#measuring = false;
    if (this.#closed || this.#last !== before || now.track !== this.#options.track()) return;
    this.#last = now;
    this.#setSize(now.size);
    // A disabled track gives black frames at a low rate.
    if (before?.track !== now.track || now.frames < before.frames || !now.track.enabled) return;
    const seconds = (now.at - before.at) / 1000;
    const framesPerSecond = (now.frames - before.frames) / seconds;
    const bitrate = ((now.bytes - before.bytes) * 8) / seconds;
    this.#screen.add({ framesPerSecond, bitrate, seconds, ...(before.limit && { limit: before.limit }) });
    this.#setContent();
    const slow = framesPerSecond < (this.#slow ? SLOW.until : SLOW.below);
    if (slow !== this.#slow) this.#setSlow(slow);
  }

  async #sample(): Promise<Sample> {
    const track = this.#options.track();
    const report = await this.#options.sender.getStats().catch(() => undefined);
    let [frames, bytes, size] = [0, 0, sizeOf(track)];
    report?.forEach((row: Record<string, unknown>) => {
      if (row.type === 'outbound-rtp' && typeof row.bytesSent === 'number') bytes += row.bytesSent;
      if (row.type !== 'media-source') return;
      if (typeof row.frames === 'number') frames = row.frames;
      if (typeof row.width === 'number' && typeof row.height === 'number' && row.width > 0) {
        size = { width: row.width, height: row.height };
      }
    });
    // A sender captures and counts no more frames than it may encode.
    const limit = this.#repeater || this.#content !== 'detail' ? undefined : SCREEN_FRAMERATE.detail;
    return { track, at: performance.now(), frames: this.#repeater?.frames ?? frames, limit, bytes, size };
  }

  #setSlow(slow: boolean): void {
    const former = this.#repeater;
    former?.[Symbol.dispose]();
    const track = this.#options.track();
    this.#repeater = slow && !isRepeated(track) ? FrameRepeater.of(track) : undefined;
    // A repeater counts frames from its own start.
    if (former !== this.#repeater) this.#last = undefined;
    void this.#send(this.#repeater?.track ?? track);
    if (slow === this.#slow) return;
    this.#slow = slow;
    this.#reshape();
  }

  #refreshScreen(): void {
    this.#refresher?.[Symbol.dispose]();
    const track = this.#options.track();
    this.#refresher = isRepeated(track) ? new ScreenRefresher(track, this.#options.sender) : undefined;
  }

  #setSize(size: Size | undefined): void {
    if (!size || (size.width === this.#size?.width && size.height === this.#size.height)) return;
    this.#size = size;
    const encodings = this.#reshape();
    this.#options.onResized(encodedSize(size, encodings), layersIn(encodings));
  }

  #reshape() {
    const { choice, layers } = this.#options;
    const encodings = encodingsOf({
      ...choice,
      size: this.#size,
      slow: this.#slow,
      ...(this.#content && { content: this.#content }),
    });
    const shape = JSON.stringify(encodings);
    // Each change makes the browser reconfigure its encoders.
    if (shape !== this.#shape) layers.reshape(choice.source, encodings);
    this.#shape = shape;
    return encodings;
  }

  /** Encodes a screen for the content that the application has chosen by its hint, or else for the one that was measured. */
  #setContent(): void {
    if (this.#options.choice.source !== 'screen') return;
    const track = this.#options.track();
    const isOwn = track.contentHint !== '' && track.contentHint !== this.#hinted?.hint;
    const hint = this.#screen.content;
    this.#content = isOwn ? hintedContent(track) : this.#screen.probing ? 'motion' : hint;
    // The limit of the frame rate comes before the hint, which may make the browser send a key frame.
    this.#reshape();
    if (isOwn) return;
    this.#hinted = { track, hint };
    if (track.contentHint !== hint) track.contentHint = hint;
    if (this.#repeater) this.#repeater.track.contentHint = hint;
  }

  /** Removes the hint that was set here: at the next publication of the track it would count as the choice of the application. */
  #resetHint(): void {
    const { track, hint } = this.#hinted ?? {};
    if (track?.contentHint === hint && track) track.contentHint = '';
    this.#hinted = undefined;
  }

  /** Makes the sender send this track, or the one that has been chosen meanwhile. */
  async #send(track: MediaStreamTrack): Promise<void> {
    const { sender } = this.#options;
    if (this.#closed || sender.track === track) return;
    track.contentHint = this.#options.track().contentHint;
    await sender.replaceTrack(track).catch(() => {});
    const target = this.#repeater?.track ?? this.#options.track();
    if (!this.#closed && track !== target) await this.#send(target);
  }
}

/** Whether Chromium itself repeats the frames of a track: it does for captured screens without the hint `motion`. */
function isRepeated(track: MediaStreamTrack): boolean {
  return track.getSettings().displaySurface !== undefined && track.contentHint !== 'motion';
}
