/** Keeps what is sent on data channels within the limits of the server, which would refuse the rest. */
import type { DataChannelLabel } from '../../../shared/dataFrame.ts';
import type { Welcome } from '../../../shared/protocol.ts';

type Limits = Pick<Welcome['limits'], 'dataMessages' | 'dataBitrate' | 'fileBitrate'>;

/** As how many bytes a small message of `bulk` counts at the server. */
const MIN_BULK_BYTES = 4096;
/** What may be sent at once, in seconds of the rate, and the least of it: the largest frames have 72 KB. */
const BURST = { seconds: 0.25, messages: 100, bytes: 256 * 1024 };

export class SendRate {
  readonly #messages: Tokens;
  readonly #data: Tokens;
  readonly #bulk: Tokens;

  constructor({ dataMessages, dataBitrate, fileBitrate }: Limits) {
    this.#messages = new Tokens(dataMessages, BURST.messages);
    this.#data = byteTokens(dataBitrate);
    this.#bulk = byteTokens(fileBitrate);
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

/** A token bucket that tells how long to wait. */
class Tokens {
  readonly #perSecond: number;
  readonly #burst: number;
  #left: number;
  #at = performance.now();

  constructor(perSecond: number, burst: number) {
    this.#perSecond = perSecond;
    this.#burst = burst;
    this.#left = burst;
  }

  /** Milliseconds until there are so many; 0 if there are. */
  waitFor(count: number): number {
    const now = performance.now();
    this.#left = Math.min(this.#burst, this.#left + ((now - this.#at) / 1000) * this.#perSecond);
    this.#at = now;
    return Math.ceil(Math.max(0, ((count - this.#left) / this.#perSecond) * 1000));
  }

  take(count: number): void {
    this.#left -= count;
  }
}

function byteTokens(bitrate: number): Tokens {
  const perSecond = bitrate / 8;
  return new Tokens(perSecond, Math.max(BURST.seconds * perSecond, BURST.bytes));
}

function takeAll(wanted: readonly (readonly [tokens: Tokens, count: number])[]): number {
  const wait = Math.max(...wanted.map(([tokens, count]) => tokens.waitFor(count)));
  if (wait === 0) for (const [tokens, count] of wanted) tokens.take(count);
  return wait;
}
