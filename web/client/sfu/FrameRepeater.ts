/**
 * Repeats the last frame of a video track that has stopped giving frames, such as a canvas that is not drawn on.
 *
 * An encoder makes a requested key frame of the next frame only, and mediasoup takes a stream without packets for one that
 * has ended: a peer that joins later would see nothing. Chromium itself repeats frames of captured screens only, Firefox
 * those of all tracks. This class is for the other tracks in Chromium, and does nothing in other browsers.
 */

/** The last frame is repeated after this time without a frame, in milliseconds. */
const INTERVAL = 500;

/** The used part of RTCRtpSender. */
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

  /** @returns undefined if the browser does not support it */
  static of(track: MediaStreamTrack): FrameRepeater | undefined {
    const { MediaStreamTrackProcessor: Processor, MediaStreamTrackGenerator: Generator } = window;
    return Processor && Generator && new FrameRepeater(track, Processor, Generator);
  }

  /** The track to send instead of the original one. */
  get track(): MediaStreamTrack {
    return this.#generator;
  }

  /** How many frames the original track has given since the start. */
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
    // The last frame from before the track was disabled must not be sent any more.
    if (!this.#track.enabled) {
      this.#last?.close();
      this.#last = undefined;
      return;
    }
    if (this.#last && performance.now() - this.#lastAt < INTERVAL * 0.9) return;
    const frame = this.#last ?? currentFrame(this.#track);
    if (frame) this.#send(frame);
  }

  /** Sends a frame with the current timestamp, and keeps it for repetition. */
  #send(frame: VideoFrame): void {
    this.#lastAt = performance.now();
    const sent = new VideoFrame(frame, { timestamp: Math.round(this.#lastAt * 1000) });
    if (frame !== this.#last) this.#last?.close();
    this.#last = frame;
    // A frame that the writer has not taken must be closed here.
    this.#writer.write(sent).catch(() => sent.close());
  }
}

/** Whether a track is captured from a canvas. */
export function isCanvas(track: MediaStreamTrack): track is CanvasCaptureMediaStreamTrack {
  return 'CanvasCaptureMediaStreamTrack' in window && track instanceof CanvasCaptureMediaStreamTrack;
}

/** The content of a canvas that has not been drawn on since its capture began; undefined for other tracks. */
function currentFrame(track: MediaStreamTrack): VideoFrame | undefined {
  if (!('CanvasCaptureMediaStreamTrack' in window) || !(track instanceof CanvasCaptureMediaStreamTrack))
    return undefined;
  try {
    return new VideoFrame(track.canvas, { timestamp: 0 });
  } catch {
    // The canvas has no size, or is tainted by images of another origin.
    return undefined;
  }
}
