/** Keeps what is sent on data channels within the limits of the server, which would refuse the rest. */
import { type DataChannelLabel, MIN_BULK_BYTES } from '../../../shared/dataChannels.ts';
import type { Welcome } from '../../../shared/protocol.ts';
import { TokenBucket } from '../../../shared/TokenBucket.ts';

type Limits = Pick<Welcome['limits'], 'dataMessages' | 'dataBitrate' | 'fileBitrate'>;

/** What may be sent at once, in seconds of the rate, and the least of it: the largest frames have 72 KB. */
const BURST = { seconds: 0.25, messages: 100, bytes: 256 * 1024 };

export class SendRate {
  readonly #messages: TokenBucket;
  readonly #data: TokenBucket;
  readonly #bulk: TokenBucket;

  constructor({ dataMessages, dataBitrate, fileBitrate }: Limits) {
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
