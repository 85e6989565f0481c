/** Adapts how one published video is sent to what its track gives while it is sent: frames, size, content. */
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

/** How often the track is measured, in milliseconds. */
const INTERVAL = 1000;
/** Frames a second: below the first a track counts as slow, and from the second on not any more. */
const SLOW = { below: 3, until: 5 };

export interface VideoAdapterOptions {
  readonly sender: TrackSender & Pick<RTCRtpSender, 'getStats'>;
  /** The track that is published now. */
  track(): MediaStreamTrack;
  /** What it was published as. */
  readonly choice: EncodingChoice;
  /** The hint that the track was given for it, if any; one of its own is its owner's choice. */
  readonly hint: Content | undefined;
  /** Changes how it is encoded. */
  readonly layers: Pick<SenderLayerControl, 'reshape'>;
  /**
   * The track has another size now.
   * @param size of the highest layer that is sent
   * @param layers how many spatial layers are sent
   */
  onResized(size: Size, layers: number): void;
}

/** What a track has given so far. */
interface Sample {
  readonly track: MediaStreamTrack;
  readonly at: number;
  readonly frames: number;
  /** To how many frames a second the count was limited from then on. */
  readonly limit: number | undefined;
  /** What was sent of it. */
  readonly bytes: number;
  readonly size: Size | undefined;
}

/** Has a screen whose owner has not chosen otherwise be sharp from its first frame on. @returns the hint that was set */
export function prepareTrack(source: Source, track: MediaStreamTrack): Content | undefined {
  if (source !== 'screen' || track.contentHint !== '') return undefined;
  track.contentHint = 'detail';
  return 'detail';
}

/** What the hint of a screen's track asks for. */
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
  /** What a screen is encoded for. */
  #content: Content | undefined;
  /** How it is encoded now. */
  #shape: string;
  /** The hint that was set here, and where: another one is its owner's choice. */
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
    // A canvas gives a frame when it is drawn on, which may never happen again.
    if (isCanvas(options.track())) this.#setSlow(true);
    this.#refreshScreen();
  }

  /** Another track is published from now on. */
  trackReplaced(): void {
    const track = this.#options.track();
    this.#takeHintBack();
    this.#setContent();
    // It is measured soon; what changes twice is encoded anew twice.
    this.#setSlow(this.#slow && isCanvas(track));
    this.#setSize(sizeOf(track));
    this.#refreshScreen();
  }

  close(): void {
    this.#closed = true;
    clearInterval(this.#timer);
    this.#takeHintBack();
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
    // A track that is disabled gives black frames, seldom.
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
    // A sender counts, and has captured, no more frames than it may encode.
    const limit = this.#repeater || this.#content !== 'detail' ? undefined : SCREEN_FRAMERATE.detail;
    return { track, at: performance.now(), frames: this.#repeater?.frames ?? frames, limit, bytes, size };
  }

  #setSlow(slow: boolean): void {
    const former = this.#repeater;
    former?.[Symbol.dispose]();
    const track = this.#options.track();
    this.#repeater = slow && !isRepeated(track) ? FrameRepeater.of(track) : undefined;
    // A repeater counts frames from its own beginning.
    if (former !== this.#repeater) this.#last = undefined;
    void this.#send(this.#repeater?.track ?? track);
    if (slow === this.#slow) return;
    this.#slow = slow;
    this.#reshape();
  }

  #refreshScreen(): void {
    this.#refresher?.[Symbol.dispose]();
    const track = this.#options.track();
    this.#refresher = isRepeated(track) ? new ScreenRefresher(track) : undefined;
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
    // Each change makes a browser configure its encoders anew.
    if (shape !== this.#shape) layers.reshape(choice.source, encodings);
    this.#shape = shape;
    return encodings;
  }

  /** Has a screen be sharp or smooth: as its owner has chosen, otherwise as its content is. */
  #setContent(): void {
    if (this.#options.choice.source !== 'screen') return;
    const track = this.#options.track();
    const isOwn = track.contentHint !== '' && track.contentHint !== this.#hinted?.hint;
    const hint = this.#screen.content;
    this.#content = isOwn ? hintedContent(track) : this.#screen.probing ? 'motion' : hint;
    // The limit of the frame rate before the hint, which may have the browser make a key frame.
    this.#reshape();
    if (isOwn) return;
    this.#hinted = { track, hint };
    if (track.contentHint !== hint) track.contentHint = hint;
    if (this.#repeater) this.#repeater.track.contentHint = hint;
  }

  /** Whoever publishes the track again has not chosen what was set here. */
  #takeHintBack(): void {
    const { track, hint } = this.#hinted ?? {};
    if (track?.contentHint === hint && track) track.contentHint = '';
    this.#hinted = undefined;
  }

  /** Has the sender take a track; what was wanted last is what it comes to. */
  async #send(track: MediaStreamTrack): Promise<void> {
    const { sender } = this.#options;
    if (this.#closed || sender.track === track) return;
    track.contentHint = this.#options.track().contentHint;
    await sender.replaceTrack(track).catch(() => {});
    const wanted = this.#repeater?.track ?? this.#options.track();
    if (!this.#closed && track !== wanted) await this.#send(wanted);
  }
}

/** Whether Chromium repeats the frames of a track by itself: what it captures of a screen, unless it is to be smooth. */
function isRepeated(track: MediaStreamTrack): boolean {
  return track.getSettings().displaySurface !== undefined && track.contentHint !== 'motion';
}
