/** Owns what is believed of a receiver's link when it gets narrow all at once: less than mediasoup's first estimate says. */
import type { WebRtcTransport } from 'mediasoup/types';
import { z } from 'zod';

/** What of a `bwe` trace matters: bit/s. */
const Estimate = z.object({ availableBitrate: z.number().nonnegative() });

/** An estimate below this share of the one before has been cut, not adjusted. */
const CUT = 0.75;
/** What is left below this, in bit/s, is not enough for more than the lowest layers while a queue empties. */
const LITTLE = 1_000_000;
/**
 * The first estimate after a cut is what arrived while the queue before the bottleneck was full: what is sent has to be less
 * for the queue to empty at all. So much of it is believed, for so long (milliseconds).
 */
const BELIEVED = { share: 0.6, time: 2500 };

export interface DownlinkOptions {
  /** The least that is ever believed, bit/s. */
  readonly least: number;
  /** No more than this is to be sent, bit/s; 0 for what is estimated. */
  limit(bitrate: number): void;
  /** The link has got narrow: so many layers less are to be sent. 0 when it has had the time to recover. */
  onNarrow(layersLess: number): void;
}

export class Downlink {
  readonly #options: DownlinkOptions;
  #last = 0;
  #less = 0;
  #recovering: NodeJS.Timeout | undefined;

  constructor(options: DownlinkOptions) {
    this.#options = options;
  }

  /**
   * Follows the estimates of a transport until that closes, and limits it.
   * @throws when it has ended
   */
  static async follow(
    transport: WebRtcTransport,
    { least, onNarrow }: Pick<DownlinkOptions, 'least' | 'onNarrow'>,
  ): Promise<void> {
    // What cannot be limited has ended.
    const limit = (bitrate: number) => void transport.setMaxOutgoingBitrate(bitrate).catch(() => {});
    const downlink = new Downlink({ least, limit, onNarrow });
    transport.observer.once('close', () => downlink.close());
    transport.on('trace', ({ type, info }) => {
      const estimate = type === 'bwe' ? Estimate.safeParse(info) : undefined;
      if (estimate?.success) downlink.estimated(estimate.data.availableBitrate);
    });
    await transport.enableTraceEvent(['bwe']);
  }

  /** @param bitrate bit/s */
  estimated(bitrate: number): void {
    const cut = bitrate < this.#last * CUT;
    this.#last = bitrate;
    if (!cut) return;
    clearTimeout(this.#recovering);
    this.#recovering = setTimeout(() => this.#setLess(0, 0), BELIEVED.time);
    const { least } = this.#options;
    const less = bitrate < LITTLE ? 2 : 1;
    this.#setLess(Math.max(less, this.#less), Math.max(least, Math.round(bitrate * BELIEVED.share)));
  }

  close(): void {
    clearTimeout(this.#recovering);
  }

  #setLess(less: number, bitrate: number): void {
    this.#options.limit(bitrate);
    if (this.#less === less) return;
    this.#less = less;
    this.#options.onNarrow(less);
  }
}
