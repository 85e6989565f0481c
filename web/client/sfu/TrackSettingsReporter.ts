/** Sends the server the sizes in which received videos are shown: changes only, in batches. */
import { WeirError } from '../../../shared/errors.ts';
import type { TrackSettings } from '../../../shared/protocol.ts';
import type { VideoSettings, VideoSource } from '../MediaLink.ts';

export interface TrackSettingsReporterOptions {
  /** Sends one request. */
  send(tracks: TrackSettings[]): Promise<unknown>;
  /** Whether nothing can be sent at present; `resume()` is called when it can. */
  held(): boolean;
}

/**
 * In milliseconds: the least interval between two requests; how long a reduction waits, since in a change of layout others
 * come into view soon after some are hidden; and the delay of a retry.
 */
const TIMES = { minInterval: 250, reductionDelay: 50, retryDelay: 1000 };
/** The most tracks of one request. */
const MAX_TRACKS = 256;
/** Sizes are rounded up to a multiple of this, in pixels, so that small changes of a layout are not sent. */
const STEP = 16;
const MAX_SIZE = 16_384;
/** Errors after which the request is repeated. */
const temporaryErrors: ReadonlySet<string> = new Set(['rateLimited', 'busy', 'unavailable', 'timeout', 'internal']);

interface Entry {
  settings: TrackSettings;
  /** The settings that the server has; undefined if that is unknown. */
  sent: TrackSettings | undefined;
}

export class TrackSettingsReporter {
  readonly #options: TrackSettingsReporterOptions;
  /** By source and peer. */
  readonly #entries = new Map<string, Entry>();
  /** When the next request is due, if any, and the earliest time of one (`performance.now()`). */
  #due: number | undefined;
  #earliest = Number.NEGATIVE_INFINITY;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #closed = false;

  constructor(options: TrackSettingsReporterOptions) {
    this.#options = options;
  }

  /** @param size undefined if the video is not visible */
  set(peerId: string, source: VideoSource, size: VideoSettings | undefined): void {
    const settings = rounded(peerId, source, size);
    const key = keyOf(peerId, source);
    const entry = this.#entries.get(key);
    if (entry) entry.settings = settings;
    else this.#entries.set(key, { settings, sent: undefined });
    if (!isSame(settings, entry?.sent)) this.#schedule(isMore(settings, entry?.sent) ? 0 : TIMES.reductionDelay);
  }

  /** Whether a video is visible; one without settings counts as visible. */
  isVisible(peerId: string, source: VideoSource): boolean {
    const entry = this.#entries.get(keyOf(peerId, source));
    return entry === undefined || entry.settings.width > 0;
  }

  /** The size in which a video is shown, rounded; undefined where it is unknown, or a quality was chosen instead. */
  shownSize(peerId: string, source: VideoSource): { width: number; height: number } | undefined {
    const { settings } = this.#entries.get(keyOf(peerId, source)) ?? {};
    return settings && settings.quality === undefined ? settings : undefined;
  }

  /** A peer has left. */
  removePeer(peerId: string): void {
    this.#entries.delete(keyOf(peerId, 'camera'));
    this.#entries.delete(keyOf(peerId, 'screen'));
  }

  /** Requests can be sent again. */
  resume(): void {
    this.#schedule(0);
  }

  close(): void {
    this.#closed = true;
    clearTimeout(this.#timer);
    this.#entries.clear();
  }

  /** Schedules a request after `pause` milliseconds, or later if the last one was sent too recently; 0 is the end of this turn. */
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
    const changed = [...this.#entries.values()].filter(({ settings, sent }) => !isSame(settings, sent));
    if (changed.length === 0) return;
    this.#earliest = performance.now() + TIMES.minInterval;
    for (let start = 0; start < changed.length; start += MAX_TRACKS)
      void this.#send(changed.slice(start, start + MAX_TRACKS));
  }

  async #send(changed: readonly Entry[]): Promise<void> {
    const tracks = changed.map(({ settings }) => settings);
    for (const entry of changed) entry.sent = entry.settings;
    try {
      await this.#options.send(tracks);
    } catch (error) {
      // Unless a later request, which may have been executed, has replaced the settings.
      changed.forEach((entry, index) => {
        if (entry.sent === tracks[index]) entry.sent = undefined;
      });
      const { code, retryAfter } = WeirError.from(error);
      if (!temporaryErrors.has(code)) return;
      this.#earliest = performance.now() + Math.max(TIMES.retryDelay, (retryAfter ?? 0) * 1000);
      this.#schedule(0);
    }
  }
}

function keyOf(peerId: string, source: VideoSource): string {
  return `${source} ${peerId}`;
}

function rounded(peerId: string, source: VideoSource, size: VideoSettings | undefined): TrackSettings {
  const isVisible = size !== undefined && size.width > 0 && size.height > 0;
  const step = (pixels: number) => Math.min(MAX_SIZE, Math.ceil(pixels / STEP) * STEP);
  return {
    peerId,
    source,
    width: isVisible ? step(size.width) : 0,
    height: isVisible ? step(size.height) : 0,
    // The priority of a hidden video has no effect.
    ...(isVisible && size.priority === 'high' && { priority: 'high' }),
    ...(isVisible && size.quality && { quality: size.quality }),
  };
}

function isSame(settings: TrackSettings, sent: TrackSettings | undefined): boolean {
  return (
    settings.width === sent?.width &&
    settings.height === sent.height &&
    settings.priority === sent.priority &&
    settings.quality === sent.quality
  );
}

/** Whether the settings request more than those that were sent. */
function isMore(settings: TrackSettings, sent: TrackSettings | undefined): boolean {
  if (!sent) return settings.width > 0;
  if (settings.quality !== sent.quality) return true;
  return (
    settings.width > sent.width ||
    settings.height > sent.height ||
    (settings.priority === 'high' && sent.priority !== 'high')
  );
}
