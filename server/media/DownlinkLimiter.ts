/** Limits what is sent to a receiver whose link gets narrow all at once, until the queue before it has emptied. */
import type { WebRtcTransport } from 'mediasoup/types';
import { z } from 'zod';

/** What of a `bwe` trace matters: the estimate, and what mediasoup lets it be at most; bit/s. */
const Estimate = z.object({ availableBitrate: z.number().nonnegative(), maxBitrate: z.number().nonnegative() });

/** Congestion: an estimate below this share of the one before, and of what was sent in the last second. */
const DROP_RATIO = 0.75;
/**
 * From this share of its maximum on, an estimate is what it may be, and no measurement. mediasoup's maximum follows what the
 * consumers ask for (1.35 times as much, 1 Mbit/s at least), so that it falls when a viewer shows a picture smaller.
 */
const CAPPED_RATIO = 0.95;
/** What is left below this, in bit/s, is not enough for more than the lowest layers while a queue empties. */
const LOW_BITRATE = 1_000_000;
/**
 * The first estimate after a drop is what arrived while the queue before the bottleneck was full: what is sent has to be less
 * for the queue to empty at all. So much of it is sent, for so long (milliseconds).
 */
const BACKOFF = { share: 0.6, time: 2500 };
/** While we send less, mediasoup's estimates follow that downwards: only one below this share of our limit is a further drop. */
const FURTHER_DROP_RATIO = 0.5;
/**
 * For so long after that, in milliseconds, mediasoup is left alone: it probes, and what a probe makes of its estimate, up and
 * down, says little of the link. A limit of ours would be in the way of the next probe.
 */
const HOLD_OFF = 10_000;

export interface DownlinkLimiterOptions {
  /** The least that is ever taken for what gets through, bit/s. */
  readonly minBitrate: number;
  /** What was sent in the last second, without probes, bit/s. */
  sent(): Promise<number>;
  /** No more than this is to be sent, bit/s; 0 for what is estimated. */
  limit(bitrate: number): void;
  /** The link has got narrow: so many layers less are to be sent. 0 when it has had the time to recover. */
  onCongestion(layersLess: number): void;
}

export class DownlinkLimiter {
  readonly #options: DownlinkLimiterOptions;
  #last = 0;
  #layerReduction = 0;
  /** What is sent at most while the queue empties. */
  #limit: number | undefined;
  /** Nothing is limited before then (`performance.now()`). */
  #freeUntil = 0;
  #releaseTimer: NodeJS.Timeout | undefined;
  #closed = false;

  constructor(options: DownlinkLimiterOptions) {
    this.#options = options;
  }

  /**
   * Follows the estimates of a transport until that closes, and limits it.
   * @throws when it has ended
   */
  static async follow(
    transport: WebRtcTransport,
    { minBitrate, onCongestion }: Pick<DownlinkLimiterOptions, 'minBitrate' | 'onCongestion'>,
  ): Promise<void> {
    const downlink = new DownlinkLimiter({
      minBitrate,
      onCongestion,
      // What cannot be limited has ended.
      limit: (bitrate) => void transport.setMaxOutgoingBitrate(bitrate).catch(() => {}),
      sent: async () => {
        const stats = await transport.getStats();
        return stats.reduce((sum, { rtpSendBitrate, rtxSendBitrate }) => sum + rtpSendBitrate + rtxSendBitrate, 0);
      },
    });
    transport.observer.once('close', () => downlink.close());
    transport.on('trace', ({ type, info }) => {
      const estimate = type === 'bwe' ? Estimate.safeParse(info) : undefined;
      if (!estimate?.success) return;
      // What cannot be asked has ended.
      downlink.estimated(estimate.data.availableBitrate, estimate.data.maxBitrate).catch(() => {});
    });
    await transport.enableTraceEvent(['bwe']);
  }

  /**
   * @param bitrate the new estimate, bit/s
   * @param most what it could be at most, bit/s
   * @throws what keeps it from knowing how much was sent
   */
  async estimated(bitrate: number, most: number): Promise<void> {
    const least = this.#limit === undefined ? this.#last * DROP_RATIO : this.#limit * FURTHER_DROP_RATIO;
    this.#last = bitrate;
    if (bitrate >= least || bitrate >= most * CAPPED_RATIO || performance.now() < this.#freeUntil) return;
    // Where less is sent, nothing waits before the bottleneck: the estimate before was a guess, such as after a probe.
    const sent = await this.#options.sent();
    if (!this.#closed && bitrate < sent * DROP_RATIO) this.#backOff(bitrate);
  }

  close(): void {
    this.#closed = true;
    clearTimeout(this.#releaseTimer);
  }

  #backOff(bitrate: number): void {
    const limit = Math.max(this.#options.minBitrate, Math.round(bitrate * BACKOFF.share));
    this.#limit = limit;
    this.#options.limit(limit);
    this.#setLayerReduction(Math.max(bitrate < LOW_BITRATE ? 2 : 1, this.#layerReduction));
    clearTimeout(this.#releaseTimer);
    this.#releaseTimer = setTimeout(() => this.#release(), BACKOFF.time);
  }

  #release(): void {
    this.#limit = undefined;
    this.#freeUntil = performance.now() + HOLD_OFF;
    this.#options.limit(0);
    this.#setLayerReduction(0);
  }

  #setLayerReduction(less: number): void {
    if (this.#layerReduction === less) return;
    this.#layerReduction = less;
    this.#options.onCongestion(less);
  }
}
