/** Owns what the server knows of how others' videos are shown here: it is told what is different, soon and seldom. */
import { WeirError } from '../../shared/errors.ts';
import type { View } from '../../shared/protocol.ts';

export type ViewSource = View['source'];

/** How large a video is shown, in device pixels, and whether it matters more than others. */
export interface ViewSize {
  readonly width: number;
  readonly height: number;
  readonly priority?: 'normal' | 'high' | undefined;
}

export interface ViewsOptions {
  /** Tells the server. */
  send(views: View[]): Promise<unknown>;
  /** Whether nothing can be told just now; `resume()` follows when it can. */
  held(): boolean;
}

/** Between two requests, and until a request that was refused is made again, in milliseconds. */
const TIMES = { apart: 250, again: 1000 };
/** So many views fit into one request. */
const MOST = 256;
/** Sizes are told in steps of so many pixels, so that small changes of a layout are none. */
const STEP = 16;
const LARGEST = 16_384;
/** Refusals that pass. */
const passing: ReadonlySet<string> = new Set(['rateLimited', 'busy', 'unavailable', 'timeout', 'internal']);

interface Known {
  view: View;
  /** What the server was told, as text; undefined where it may not know. */
  told: string | undefined;
}

export class Views {
  readonly #options: ViewsOptions;
  /** By source and peer. */
  readonly #known = new Map<string, Known>();
  #scheduled = false;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #lastSent = Number.NEGATIVE_INFINITY;
  #closed = false;

  constructor(options: ViewsOptions) {
    this.#options = options;
  }

  /** @param size how it is shown; undefined when it is not */
  set(peerId: string, source: ViewSource, size: ViewSize | undefined): void {
    const view = rounded(peerId, source, size);
    const key = keyOf(peerId, source);
    const known = this.#known.get(key);
    if (known) known.view = view;
    else this.#known.set(key, { view, told: undefined });
    this.#schedule();
  }

  /** Whether somebody sees it, as far as was said. */
  isSeen(peerId: string, source: ViewSource): boolean {
    const known = this.#known.get(keyOf(peerId, source));
    return known === undefined || known.view.width > 0;
  }

  /** Somebody has left. */
  forget(peerId: string): void {
    this.#known.delete(keyOf(peerId, 'camera'));
    this.#known.delete(keyOf(peerId, 'screen'));
  }

  /** The server can be told again. */
  resume(): void {
    this.#schedule();
  }

  close(): void {
    this.#closed = true;
    clearTimeout(this.#timer);
    this.#known.clear();
  }

  /** At the end of this turn, or when the last request is long enough ago. */
  #schedule(): void {
    if (this.#scheduled || this.#closed) return;
    this.#scheduled = true;
    const pause = this.#lastSent + TIMES.apart - performance.now();
    if (pause <= 0) queueMicrotask(() => this.#flush());
    else this.#timer = setTimeout(() => this.#flush(), pause);
  }

  #flush(): void {
    this.#scheduled = false;
    if (this.#closed || this.#options.held()) return;
    const news = [...this.#known.values()].filter(({ view, told }) => told !== JSON.stringify(view));
    if (news.length === 0) return;
    this.#lastSent = performance.now();
    for (let start = 0; start < news.length; start += MOST) void this.#send(news.slice(start, start + MOST));
  }

  async #send(news: readonly Known[]): Promise<void> {
    const sent = news.map((known) => {
      known.told = JSON.stringify(known.view);
      return { known, told: known.told };
    });
    try {
      await this.#options.send(news.map(({ view }) => view));
    } catch (error) {
      // Unless it was told something else meanwhile, which may have arrived.
      for (const { known, told } of sent) if (known.told === told) known.told = undefined;
      const { code, retryAfter } = WeirError.from(error);
      if (this.#closed || !passing.has(code)) return;
      clearTimeout(this.#timer);
      this.#scheduled = true;
      this.#timer = setTimeout(() => this.#flush(), Math.max(TIMES.again, (retryAfter ?? 0) * 1000));
    }
  }
}

function keyOf(peerId: string, source: ViewSource): string {
  return `${source} ${peerId}`;
}

function rounded(peerId: string, source: ViewSource, size: ViewSize | undefined): View {
  const seen = size !== undefined && size.width > 0 && size.height > 0;
  const step = (pixels: number) => Math.min(LARGEST, Math.ceil(pixels / STEP) * STEP);
  return {
    peerId,
    source,
    width: seen ? step(size.width) : 0,
    height: seen ? step(size.height) : 0,
    // Whether what nobody sees matters is no news.
    ...(seen && size.priority === 'high' && { priority: 'high' }),
  };
}
