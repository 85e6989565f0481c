/** Makes Chromium capture a shared screen more often while its picture is blurred, so that it becomes sharp soon. */

/**
 * The interval of the readings, in milliseconds. With captures more often than every 300 ms the frame rate is estimated
 * higher, and the encoder drops the changes of more slides.
 */
const INTERVAL = 100;
/** The screen is captured when it has given no frame for this many readings. */
const QUIET = 2;
/** The captures after the start and after a film, whatever the statistics say. */
const FIRST = 6;
/** Later captures: at most this many in a row, of which one is regained each second. */
const BUDGET = { most: 10, perSecond: 1 };
/** A picture is blurred if its quantizer is more than this many times the lowest so far. */
const BLURRED = 1.5;

declare global {
  interface MediaStreamTrack {
    /** Of video tracks in Chromium. */
    readonly stats?: { readonly deliveredFrames: number };
  }
}

/**
 * The encoder gives the first frame of a stream a quarter of a second's bitrate only. When a still picture changes, it drops
 * the frame if that is too large, and encodes the next one coarsely. Each frame after it adds details, but a screen that
 * does not change gives one a second. Chromium captures it at once for each new reader of its track.
 *
 * The screen is captured about every 300 ms: six times at the start and after a film, and later while the last frame was
 * dropped or coarser than others before. It is not captured while it gives frames itself, as when it is scrolled. Text that
 * is typed is encoded finely and causes no capture, and a film with the hint `motion` neither. There are ten captures in a
 * row at most: what is not sharp after them is as sharp as the bitrate allows. Where the encoder drops each frame, there is
 * one a second. Does nothing in browsers without `MediaStreamTrackProcessor`.
 */
export class ScreenRefresher implements Disposable {
  readonly #track: MediaStreamTrack;
  readonly #sender: Pick<RTCRtpSender, 'getStats'>;
  readonly #timer: ReturnType<typeof setInterval>;
  /** How many captures are left that need no reason. */
  #first = FIRST;
  #budget = BUDGET.most;
  #blurred = false;
  /** How many frames the track has given. */
  #delivered = 0;
  /** The number of readings since the last frame or capture. */
  #quiet = 0;
  /** At the last measurement; undefined before the first, after a film, and while nothing is sent. */
  #totals: { readonly captured: number; readonly encoded: number; readonly qpSum: number } | undefined;
  /** The lowest quantizer so far, or the one that the last captures have led to. */
  #lowest = Number.POSITIVE_INFINITY;

  constructor(track: MediaStreamTrack, sender: Pick<RTCRtpSender, 'getStats'>) {
    this.#track = track;
    this.#sender = sender;
    this.#timer = setInterval(() => this.#read(), INTERVAL);
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer);
  }

  #read(): void {
    const track = this.#track;
    const Processor = window.MediaStreamTrackProcessor;
    const isDone = this.#first === 0 && !track.stats;
    if (!Processor || track.readyState === 'ended' || isDone) {
      this[Symbol.dispose]();
      return;
    }
    const { deliveredFrames = 0 } = track.stats ?? {};
    this.#quiet = deliveredFrames === this.#delivered ? this.#quiet + 1 : 0;
    this.#delivered = deliveredFrames;
    if (track.contentHint === 'motion') {
      // The quantizers of films are on another scale: their encoder has another minimum.
      this.#totals = undefined;
      this.#blurred = false;
      this.#first = FIRST;
      return;
    }
    // By then the frame has been encoded.
    if (this.#quiet === 1) void this.#measure();
    this.#budget = Math.min(BUDGET.most, this.#budget + (BUDGET.perSecond * INTERVAL) / 1000);
    if (this.#quiet < QUIET || !this.#mayCapture()) return;
    this.#quiet = 0;
    new Processor({ track }).readable.cancel().catch(() => {});
  }

  #mayCapture(): boolean {
    if (this.#first > 0) {
      this.#first -= 1;
      return true;
    }
    if (!this.#blurred || !this.#track.enabled || this.#budget < 1) return false;
    this.#budget -= 1;
    return true;
  }

  async #measure(): Promise<void> {
    const report = await this.#sender.getStats().catch(() => undefined);
    const before = this.#totals;
    const totals = { captured: 0, encoded: 0, qpSum: 0 };
    let isSent = false;
    report?.forEach((row: Record<string, unknown>) => {
      if (row.type === 'media-source') totals.captured = number(row.frames);
      if (row.type !== 'outbound-rtp' || row.active === false) return;
      isSent = true;
      totals.encoded = number(row.framesEncoded);
      totals.qpSum = number(row.qpSum);
    });
    this.#blurred = false;
    this.#totals = isSent ? totals : undefined;
    if (!isSent || !before) return;
    const captured = totals.captured - before.captured;
    const encoded = totals.encoded - before.encoded;
    const quantizer = (totals.qpSum - before.qpSum) / encoded;
    if (encoded > 0) this.#lowest = this.#budget < 1 ? quantizer : Math.min(this.#lowest, quantizer);
    this.#blurred = captured > encoded || (encoded > 0 && quantizer > this.#lowest * BLURRED);
  }
}

function number(value: unknown): number {
  return typeof value === 'number' ? value : 0;
}
