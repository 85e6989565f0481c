/**
 * Limits what is sent to a receiver whose link becomes congested, until the queue before the bottleneck has drained.
 */
import type { WebRtcTransport } from 'mediasoup/types';
import { z } from 'zod';

/** What is used of a `bwe` trace event: the estimate and its upper bound, in bit/s. */
const Estimate = z.object({ availableBitrate: z.number().nonnegative(), maxBitrate: z.number().nonnegative() });

/** An estimate below this ratio of the previous one, and of what was sent in the last second, counts as congestion. */
const DROP_RATIO = 0.75;
/**
 * From this ratio of its upper bound on, an estimate is that bound, and no measurement. mediasoup's bound follows what
 * the consumers ask for (1.35 times as much, 1 Mbit/s at least), so it falls when a viewer shows a video smaller.
 */
const CAPPED_RATIO = 0.95;
/**
 * Below this, in bit/s, two layers are taken off instead of one: the link carries the lowest layers only while the
 * queue drains.
 */
const LOW_BITRATE = 1_000_000;
/**
 * The first estimate after a drop is what arrived while the queue before the bottleneck was full, so that less has to
 * be sent for the queue to drain at all: this share of the estimate, for this time in milliseconds.
 */
const BACKOFF = { share: 0.6, time: 2500 };
/**
 * While less is sent, mediasoup's estimates follow that down: only one below this ratio of the limit counts as a
 * further drop.
 */
const FURTHER_DROP_RATIO = 0.5;
/**
 * For so long after that, in milliseconds, nothing is limited: mediasoup probes, which moves its estimate up and down
 * without saying much about the link, and a limit would disturb the next probe.
 */
const HOLD_OFF = 10_000;

export interface DownlinkLimiterOptions {
  /** The lowest limit that is ever set, in bit/s. */
  readonly minBitrate: number;
  /** What was sent in the last second, without probes, in bit/s. */
  sent(): Promise<number>;
  /** Sets the most that is to be sent, in bit/s; 0 for no limit but the estimate. */
  limit(bitrate: number): void;
  /** The link is congested: so many layers less are to be sent. 0 when it has had the time to recover. */
  onCongestion(layersLess: number): void;
}

export class DownlinkLimiter {
  readonly #options: DownlinkLimiterOptions;
  #lastEstimate = 0;
  #layerReduction = 0;
  /** The limit while the queue drains, in bit/s. */
  #limit: number | undefined;
  /** Nothing is limited before that time (`performance.now()`). */
  #holdOffUntil = 0;
  #releaseTimer: NodeJS.Timeout | undefined;
  #closed = false;

  constructor(options: DownlinkLimiterOptions) {
    this.#options = options;
  }

  /**
   * Follows the estimates of a transport until it closes, and limits it.
   * @throws what mediasoup throws when it has closed
   */
  static async follow(
    transport: WebRtcTransport,
    { minBitrate, onCongestion }: Pick<DownlinkLimiterOptions, 'minBitrate' | 'onCongestion'>,
  ): Promise<void> {
    const limiter = new DownlinkLimiter({
      minBitrate,
      onCongestion,
      // A transport that cannot be limited has closed.
      limit: (bitrate) => void transport.setMaxOutgoingBitrate(bitrate).catch(() => {}),
      sent: async () => {
        const stats = await transport.getStats();
        return stats.reduce((sum, { rtpSendBitrate, rtxSendBitrate }) => sum + rtpSendBitrate + rtxSendBitrate, 0);
      },
    });
    transport.observer.once('close', () => limiter.close());
    transport.on('trace', ({ type, info }) => {
      const estimate = type === 'bwe' ? Estimate.safeParse(info) : undefined;
      if (!estimate?.success) return;
      // A transport without statistics has closed.
      limiter.onEstimate(estimate.data.availableBitrate, estimate.data.maxBitrate).catch(() => {});
    });
    await transport.enableTraceEvent(['bwe']);
  }

  /**
   * @param bitrate the new estimate, in bit/s
   * @param maxBitrate its upper bound, in bit/s
   * @throws what `sent` throws
   */
  async onEstimate(bitrate: number, maxBitrate: number): Promise<void> {
    const threshold = this.#limit === undefined ? this.#lastEstimate * DROP_RATIO : this.#limit * FURTHER_DROP_RATIO;
    this.#lastEstimate = bitrate;
    if (bitrate >= threshold || bitrate >= maxBitrate * CAPPED_RATIO || this.#holdsOff) return;
    // Unless clearly more was sent than the new estimate, nothing is queued: the previous one was a guess, as after a probe.
    const sent = await this.#options.sent();
    if (!this.#closed && !this.#holdsOff && bitrate < sent * DROP_RATIO) this.#backOff(bitrate);
  }

  get #holdsOff(): boolean {
    return performance.now() < this.#holdOffUntil;
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
    this.#holdOffUntil = performance.now() + HOLD_OFF;
    this.#options.limit(0);
    this.#setLayerReduction(0);
  }

  #setLayerReduction(layers: number): void {
    if (this.#layerReduction === layers) return;
    this.#layerReduction = layers;
    this.#options.onCongestion(layers);
  }
}
