/**
 * Sends the last frame of a video track again while the track gives none.
 *
 * An encoder answers a request for a key frame with the next frame, and a media worker takes a stream without frames for
 * one that has stopped: whoever comes later would see nothing of a canvas that stands still. Chromium repeats frames of
 * screens only, Firefox those of all tracks; this is for the other tracks in Chromium, and does nothing elsewhere.
 */

/** A track that has given no frame for so long has its last one sent again, in milliseconds. */
const INTERVAL = 500;

/** What there is of a sender in all of this. */
export type TrackSender = Pick<RTCRtpSender, 'track' | 'replaceTrack'>;

interface Processor {
  readonly readable: ReadableStream<VideoFrame>;
}
type ProcessorConstructor = new (init: { track: MediaStreamTrack }) => Processor;
type Generator = MediaStreamTrack & { readonly writable: WritableStream<VideoFrame> };
type GeneratorConstructor = new (init: { kind: 'video' }) => Generator;

declare global {
  interface Window {
    MediaStreamTrackProcessor?: ProcessorConstructor;
    MediaStreamTrackGenerator?: GeneratorConstructor;
  }
}

export class FrameRepeater implements Disposable {
  readonly #track: MediaStreamTrack;
  readonly #generator: Generator;
  readonly #reader: ReadableStreamDefaultReader<VideoFrame>;
  readonly #writer: WritableStreamDefaultWriter<VideoFrame>;
  readonly #timer: ReturnType<typeof setInterval>;
  #last: VideoFrame | undefined;
  #lastAt = performance.now();
  #frames = 0;
  #closed = false;

  private constructor(track: MediaStreamTrack, Processor: ProcessorConstructor, Generator: GeneratorConstructor) {
    this.#track = track;
    this.#generator = new Generator({ kind: 'video' });
    this.#writer = this.#generator.writable.getWriter();
    this.#reader = new Processor({ track }).readable.getReader();
    this.#timer = setInterval(() => this.#repeat(), INTERVAL);
    void this.#read();
    this.#repeat();
  }

  /** @returns undefined where the browser cannot do it */
  static of(track: MediaStreamTrack): FrameRepeater | undefined {
    const { MediaStreamTrackProcessor: Processor, MediaStreamTrackGenerator: Generator } = window;
    return Processor && Generator && new FrameRepeater(track, Processor, Generator);
  }

  /** What is to be sent in place of the track. */
  get track(): MediaStreamTrack {
    return this.#generator;
  }

  /** How many frames the track itself has given since this began. */
  get frames(): number {
    return this.#frames;
  }

  [Symbol.dispose](): void {
    if (this.#closed) return;
    this.#closed = true;
    clearInterval(this.#timer);
    this.#reader.cancel().catch(() => {});
    this.#generator.stop();
    this.#writer.close().catch(() => {});
    this.#last?.close();
    this.#last = undefined;
  }

  async #read(): Promise<void> {
    while (!this.#closed) {
      const { value } = await this.#reader.read().catch(() => ({ value: undefined }));
      if (!value) return;
      if (this.#closed) value.close();
      else {
        this.#frames += 1;
        this.#send(value);
      }
    }
  }

  #repeat(): void {
    // The last frame of a track that was disabled since then is nobody's business any more.
    if (!this.#track.enabled) {
      this.#last?.close();
      this.#last = undefined;
      return;
    }
    if (this.#last && performance.now() - this.#lastAt < INTERVAL * 0.9) return;
    const frame = this.#last ?? currentFrame(this.#track);
    if (frame) this.#send(frame);
  }

  /** Sends a frame with the time of now, and keeps it. */
  #send(frame: VideoFrame): void {
    this.#lastAt = performance.now();
    const sent = new VideoFrame(frame, { timestamp: Math.round(this.#lastAt * 1000) });
    if (frame !== this.#last) this.#last?.close();
    this.#last = frame;
    // A frame that nobody takes any more has to be given back.
    this.#writer.write(sent).catch(() => sent.close());
  }
}

/** Whether a track is captured of a canvas. */
export function isCanvas(track: MediaStreamTrack): track is CanvasCaptureMediaStreamTrack {
  return 'CanvasCaptureMediaStreamTrack' in window && track instanceof CanvasCaptureMediaStreamTrack;
}

/** What a canvas shows that has not been drawn on since it is captured; of other tracks there is nothing to be had. */
function currentFrame(track: MediaStreamTrack): VideoFrame | undefined {
  if (!('CanvasCaptureMediaStreamTrack' in window) || !(track instanceof CanvasCaptureMediaStreamTrack))
    return undefined;
  try {
    return new VideoFrame(track.canvas, { timestamp: 0 });
  } catch {
    // It has no size, or shows what another site's pictures may not be read from.
    return undefined;
  }
}
