/** How good the links between one client and its media worker are, from what the server can measure of them. */
import { WeirError } from '../../shared/errors.ts';
import { SlidingWindowLimit } from './SlidingWindowLimit.ts';

/** What one link loses, and whether the worker at its end keeps up. */
export interface LinkReport {
  /** Whether the media worker does not keep up: then losses say nothing about the links. */
  readonly overloaded: boolean;
  /** Shares of packets, 0 to 1. */
  readonly uplinkLoss: number;
  readonly downlinkLoss: number;
  /** The bandwidth to the client is not enough for what it is to receive: it was congested, or layers are missing. */
  readonly downlinkLimited: boolean;
  /** The bandwidth estimate is low and used up, perhaps only since it starts low: reports that travel there may be late. */
  readonly downlinkEstimateLow: boolean;
}

/** What others are told of a client's uplink. */
export interface UplinkReport {
  readonly uplink: 'good' | 'poor';
  readonly overloaded: boolean;
}

/** What is measured of the links of a client, in the last seconds. */
export interface LinkStats {
  /** Shares of packets before retransmission, 0 to 1. */
  readonly uplinkLoss: number;
  readonly downlinkLoss: number;
  /** What is sent to the client, and how much could be by the bandwidth estimate, in bit/s. */
  readonly downlinkBitrate: number;
  readonly availableBitrate: number;
}

export interface LinkQualityOptions {
  /** @throws {WeirError} `closed` when the worker has failed */
  getStats(): Promise<LinkStats>;
  /** Whether a lower layer is sent to the client than it is to receive, although the higher one arrives. */
  hasLimitedLayers(): boolean;
  /** Whether the media worker does not keep up. */
  isOverloaded(): boolean;
}

/**
 * In milliseconds: how long measurements are kept, since a hundred viewers may ask about one publisher at once; how long
 * the client's word that its bandwidth is not enough holds, which it repeats each second; and how long after a congestion an
 * estimate that is still low is taken for its effect.
 */
const TIMES = { cache: 1000, word: 5000, congested: 15_000 };
/** From this loss on an uplink is poor: half of it is repaired by retransmission before anybody notices. */
const POOR_LOSS = 0.04;
/**
 * From this share of the estimate on, what is sent is limited by it. mediasoup also leaves a layer for other reasons, such
 * as losses on the way from its publisher.
 */
const BINDING = 0.5;
/** In bit/s: below this, only the lowest layers of videos fit; of streams that have no others it cannot be said which are missing. */
const LOW_BITRATE = 400_000;
const UNKNOWN: LinkStats = { uplinkLoss: 0, downlinkLoss: 0, downlinkBitrate: 0, availableBitrate: 0 };
/** Limit of requests; times in milliseconds. */
const REQUESTS = { limit: 90, window: 60_000, minInterval: 300 };

export class LinkQuality {
  readonly #options: LinkQualityOptions;
  readonly #requests = new SlidingWindowLimit(REQUESTS);
  #stats: { readonly at: number; readonly value: Promise<LinkStats> } | undefined;
  #limitedUntil = Number.NEGATIVE_INFINITY;
  #isCongested = false;
  /** A low estimate is the effect of a congestion until then. */
  #congestedUntil = Number.NEGATIVE_INFINITY;

  constructor(options: LinkQualityOptions) {
    this.#options = options;
  }

  /** Counts a request of the client. @throws {WeirError} `rateLimited` */
  takeRequest(): void {
    const wait = this.#requests.take();
    if (wait <= 0) return;
    throw new WeirError('rateLimited', `Connection quality can be asked for again in ${Math.ceil(wait / 1000)} s.`);
  }

  /** The client says whether its bandwidth is enough for what it sends: only its browser knows what it does not send. */
  setUplinkLimited(limited: boolean): void {
    this.#limitedUntil = limited ? performance.now() + TIMES.word : Number.NEGATIVE_INFINITY;
  }

  /** The downlink has become congested, or has had the time to recover. */
  setCongested(congested: boolean): void {
    this.#isCongested = congested;
    this.#noteCongestion();
  }

  /** For the client itself. @throws {WeirError} `closed` when the worker has failed */
  async report(): Promise<LinkReport> {
    const { uplinkLoss, downlinkLoss, downlinkBitrate, availableBitrate } = await this.#getStats();
    const { isOverloaded, hasLimitedLayers } = this.#options;
    // Without an estimate, as for a client that has received nothing yet, nothing is known.
    const isBinding = availableBitrate > 0 && downlinkBitrate > availableBitrate * BINDING;
    const isLow = availableBitrate < LOW_BITRATE;
    const isShort = this.#isCongested || hasLimitedLayers() || (isLow && performance.now() < this.#congestedUntil);
    const downlinkLimited = isBinding && isShort;
    const overloaded = isOverloaded();
    // Of streams without layers only the estimate says that the bandwidth is still not enough.
    if (isLow && downlinkLimited) this.#noteCongestion();
    if (overloaded || !(isLow || this.#isCongested)) this.#congestedUntil = Number.NEGATIVE_INFINITY;
    return {
      overloaded,
      uplinkLoss,
      downlinkLoss,
      downlinkLimited,
      downlinkEstimateLow: isBinding && isLow,
    };
  }

  /** For others: a level only. @throws {WeirError} `closed` when the worker has failed */
  async uplink(): Promise<UplinkReport> {
    const { uplinkLoss } = await this.#getStats();
    const isPoor = uplinkLoss >= POOR_LOSS || performance.now() < this.#limitedUntil;
    return { uplink: isPoor ? 'poor' : 'good', overloaded: this.#options.isOverloaded() };
  }

  /** A worker that does not keep up congests each of its links: that is not the link's fault. */
  #noteCongestion(): void {
    const isOverloaded = this.#options.isOverloaded();
    this.#congestedUntil = isOverloaded ? Number.NEGATIVE_INFINITY : performance.now() + TIMES.congested;
  }

  #getStats(): Promise<LinkStats> {
    const now = performance.now();
    // A worker that does not keep up gets no further requests.
    if (this.#options.isOverloaded()) return Promise.resolve(UNKNOWN);
    if (!this.#stats || now - this.#stats.at > TIMES.cache) this.#stats = { at: now, value: this.#options.getStats() };
    return this.#stats.value;
  }
}
