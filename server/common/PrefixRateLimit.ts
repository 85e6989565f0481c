/** Limits the rate of packets or requests per network, in constant memory: source addresses may be forged, and then any number comes. */
import { randomInt } from 'node:crypto';
import { isIPv6 } from 'node:net';
import { ipPrefix } from './ipPrefix.ts';

export interface PrefixRateLimitOptions {
  /** Packets per second of one IPv4 /24 or IPv6 /64 network. */
  readonly perSecond: number;
  /** Packets of one network at once. */
  readonly burst: number;
  /** Number of buckets. Networks that share one by chance share its rate. */
  readonly buckets?: number;
}

const BUCKETS = 4096;

export class PrefixRateLimit {
  readonly #options: PrefixRateLimitOptions;
  /** Tokens of each bucket when it was last used, and when that was, in milliseconds. */
  readonly #tokens: Float64Array;
  readonly #usedAt: Float64Array;
  /** Keeps anyone from choosing an address that shares a bucket with another's. */
  readonly #seed = randomInt(2 ** 32);

  constructor(options: PrefixRateLimitOptions) {
    const { burst, buckets = BUCKETS } = options;
    this.#options = options;
    this.#tokens = new Float64Array(buckets).fill(burst);
    this.#usedAt = new Float64Array(buckets);
  }

  /** Whether a packet from this address is within the limit of its network. */
  tryTake(address: string): boolean {
    const { perSecond, burst } = this.#options;
    const bucket = this.#bucketOf(address);
    const now = performance.now();
    const added = ((now - (this.#usedAt[bucket] ?? 0)) / 1000) * perSecond;
    const tokens = Math.min(burst, (this.#tokens[bucket] ?? 0) + added);
    this.#usedAt[bucket] = now;
    const within = tokens >= 1;
    this.#tokens[bucket] = within ? tokens - 1 : tokens;
    return within;
  }

  /** FNV-1a of the network. */
  #bucketOf(address: string): number {
    const network = isIPv6(address) ? ipPrefix(address) : address.slice(0, address.lastIndexOf('.'));
    let hash = this.#seed;
    for (let index = 0; index < network.length; index += 1) {
      hash = Math.imul(hash ^ network.charCodeAt(index), 0x0100_0193) >>> 0;
    }
    return ((hash ^ (hash >>> 16)) >>> 0) % this.#tokens.length;
  }
}
