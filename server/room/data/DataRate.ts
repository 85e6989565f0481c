/** How much data one peer may send: token buckets of bytes and messages, those of files apart. */
import { type DataChannelLabel, MIN_BULK_BYTES } from '../../../shared/dataChannels.ts';
import { TokenBucket } from '../../../shared/TokenBucket.ts';

/** Messages a second on all channels but `bulk`. */
export const DATA_MESSAGES_PER_SECOND = 200;
/**
 * What may come at once, although its sender keeps to the rate: what it had buffered while its connection was lost. The
 * SDK buffers less than half of both.
 */
const BURST = { messages: 2000, bytes: 2 * 1024 * 1024 };

/** In bit/s. */
export interface DataLimits {
  /** Of all channels but `bulk`. */
  readonly dataBitrate: number;
  /** Of `bulk`. */
  readonly fileBitrate: number;
}

export class DataRate {
  readonly #messages = new TokenBucket(DATA_MESSAGES_PER_SECOND, BURST.messages);
  readonly #data: TokenBucket;
  readonly #bulk: TokenBucket;

  constructor({ dataBitrate, fileBitrate }: DataLimits) {
    this.#data = byteBucket(dataBitrate);
    this.#bulk = byteBucket(fileBitrate);
  }

  /** Counts a message. @returns whether it may be forwarded */
  tryTake(channel: DataChannelLabel, bytes: number): boolean {
    if (channel === 'bulk') return this.#bulk.tryTake(Math.max(bytes, MIN_BULK_BYTES));
    return this.#messages.tryTake() && this.#data.tryTake(bytes);
  }
}

function byteBucket(bitrate: number): TokenBucket {
  const perSecond = bitrate / 8;
  return new TokenBucket(perSecond, Math.max(perSecond, BURST.bytes));
}
