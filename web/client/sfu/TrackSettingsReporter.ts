/** Owns what the server knows of how others' videos are shown here: it is told what is different, soon and seldom. */
import { WeirError } from '../../../shared/errors.ts';
import type { TrackSettings } from '../../../shared/protocol.ts';
import type { VideoSettings, VideoSource } from '../MediaLink.ts';

export interface TrackSettingsReporterOptions {
  /** Tells the server. */
  send(tracks: TrackSettings[]): Promise<unknown>;
  /** Whether nothing can be told just now; `resume()` follows when it can. */
  held(): boolean;
}

/**
 * Between two requests; how long news waits for company that only says that less is seen, since what comes into view
 * follows what goes out of it; and until a request that was refused is made again: milliseconds.
 */
const TIMES = { apart: 250, less: 50, again: 1000 };
/** So many tracks fit into one request. */
const MOST = 256;
/** Sizes are told in steps of so many pixels, so that small changes of a layout are none. */
const STEP = 16;
const LARGEST = 16_384;
/** Refusals that pass. */
const passing: ReadonlySet<string> = new Set(['rateLimited', 'busy', 'unavailable', 'timeout', 'internal']);

interface Known {
  view: TrackSettings;
  /** What the server was told; undefined where it may not know. */
  told: TrackSettings | undefined;
}

export class TrackSettingsReporter {
  readonly #options: TrackSettingsReporterOptions;
  /** By source and peer. */
  readonly #known = new Map<string, Known>();
  /** When the next request is due, and before when there is none (`performance.now()`). */
  #due: number | undefined;
  #earliest = Number.NEGATIVE_INFINITY;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #closed = false;

  constructor(options: TrackSettingsReporterOptions) {
    this.#options = options;
  }

  /** @param size how it is shown; undefined when it is not */
  set(peerId: string, source: VideoSource, size: VideoSettings | undefined): void {
    const view = rounded(peerId, source, size);
    const key = keyOf(peerId, source);
    const known = this.#known.get(key);
    if (known) known.view = view;
    else this.#known.set(key, { view, told: undefined });
    if (!isSame(view, known?.told)) this.#schedule(isMore(view, known?.told) ? 0 : TIMES.less);
  }

  /** Whether somebody sees it, as far as was said. */
  isVisible(peerId: string, source: VideoSource): boolean {
    const known = this.#known.get(keyOf(peerId, source));
    return known === undefined || known.view.width > 0;
  }

  /** Somebody has left. */
  removePeer(peerId: string): void {
    this.#known.delete(keyOf(peerId, 'camera'));
    this.#known.delete(keyOf(peerId, 'screen'));
  }

  /** The server can be told again. */
  resume(): void {
    this.#schedule(0);
  }

  close(): void {
    this.#closed = true;
    clearTimeout(this.#timer);
    this.#known.clear();
  }

  /** In so long, in milliseconds, but not too soon after the last one; 0 is the end of this turn. */
  #schedule(pause: number): void {
    const now = performance.now();
    const due = Math.max(this.#earliest, now + pause);
    if (this.#closed || (this.#due !== undefined && this.#due <= due)) return;
    clearTimeout(this.#timer);
    this.#due = due;
    if (due <= now) queueMicrotask(() => this.#flush());
    else this.#timer = setTimeout(() => this.#flush(), due - now);
  }

  #flush(): void {
    clearTimeout(this.#timer);
    this.#due = undefined;
    if (this.#closed || this.#options.held()) return;
    const news = [...this.#known.values()].filter(({ view, told }) => !isSame(view, told));
    if (news.length === 0) return;
    this.#earliest = performance.now() + TIMES.apart;
    for (let start = 0; start < news.length; start += MOST) void this.#send(news.slice(start, start + MOST));
  }

  async #send(news: readonly Known[]): Promise<void> {
    const tracks = news.map(({ view }) => view);
    for (const known of news) known.told = known.view;
    try {
      await this.#options.send(tracks);
    } catch (error) {
      // Unless it was told something else meanwhile, which may have arrived.
      news.forEach((known, index) => {
        if (known.told === tracks[index]) known.told = undefined;
      });
      const { code, retryAfter } = WeirError.from(error);
      if (!passing.has(code)) return;
      this.#earliest = performance.now() + Math.max(TIMES.again, (retryAfter ?? 0) * 1000);
      this.#schedule(0);
    }
  }
}

function keyOf(peerId: string, source: VideoSource): string {
  return `${source} ${peerId}`;
}

function rounded(peerId: string, source: VideoSource, size: VideoSettings | undefined): TrackSettings {
  const seen = size !== undefined && size.width > 0 && size.height > 0;
  const step = (pixels: number) => Math.min(LARGEST, Math.ceil(pixels / STEP) * STEP);
  return {
    peerId,
    source,
    width: seen ? step(size.width) : 0,
    height: seen ? step(size.height) : 0,
    // Whether what nobody sees matters is no news.
    ...(seen && size.priority === 'high' && { priority: 'high' }),
    ...(seen && size.quality && { quality: size.quality }),
  };
}

function isSame(view: TrackSettings, told: TrackSettings | undefined): boolean {
  return (
    view.width === told?.width &&
    view.height === told.height &&
    view.priority === told.priority &&
    view.quality === told.quality
  );
}

/** Whether more of it is seen than the server was told. */
function isMore(view: TrackSettings, told: TrackSettings | undefined): boolean {
  if (!told) return view.width > 0;
  if (view.quality !== told.quality) return true;
  return view.width > told.width || view.height > told.height || (view.priority === 'high' && told.priority !== 'high');
}
