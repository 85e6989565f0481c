/** A rate of data messages, with short bursts: the SDK keeps to that of the server, the server forwards within a higher one. */
import { type DataChannelLabel, MIN_BULK_BYTES } from './dataChannels.ts';
import { TokenBucket } from './TokenBucket.ts';

/** As in the limits of `welcome`. */
export interface SendLimits {
  /** A second, on all channels but `bulk`. */
  readonly dataMessages: number;
  /** In bit/s, on all channels but `bulk`. */
  readonly dataBitrate: number;
  /** In bit/s, on `bulk`. */
  readonly fileBitrate: number;
}

/** What may be sent at once, in seconds of the rate, and the least of it: the largest frames have 72 KB. */
const BURST = { seconds: 0.25, messages: 100, bytes: 256 * 1024 };

export class SendRate {
  readonly #messages: TokenBucket;
  readonly #data: TokenBucket;
  readonly #bulk: TokenBucket;

  constructor({ dataMessages, dataBitrate, fileBitrate }: SendLimits) {
    this.#messages = new TokenBucket(dataMessages, BURST.messages);
    this.#data = byteBucket(dataBitrate);
    this.#bulk = byteBucket(fileBitrate);
  }

  /** Counts a frame if it may be sent now. @returns 0 if so, otherwise milliseconds until it may */
  take(channel: DataChannelLabel, bytes: number): number {
    if (channel === 'bulk') return takeAll([[this.#bulk, Math.max(bytes, MIN_BULK_BYTES)]]);
    return takeAll([
      [this.#messages, 1],
      [this.#data, bytes],
    ]);
  }
}

function byteBucket(bitrate: number): TokenBucket {
  const perSecond = bitrate / 8;
  return new TokenBucket(perSecond, Math.max(BURST.seconds * perSecond, BURST.bytes));
}

function takeAll(wanted: readonly (readonly [bucket: TokenBucket, count: number])[]): number {
  const wait = Math.max(...wanted.map(([bucket, count]) => bucket.waitFor(count)));
  if (wait === 0) for (const [bucket, count] of wanted) bucket.tryTake(count);
  return wait;
}
