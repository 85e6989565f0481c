/** How often one may write in a chat: everybody in bursts, viewers of a broadcast in slow mode, and not too many at once. */
import { WeirError } from '../../shared/errors.ts';
import { SlidingWindowLimit, type SlidingWindowLimitOptions } from './SlidingWindowLimit.ts';

export interface ChatLimitsOptions {
  /** Time between two messages of a viewer, in milliseconds; 0 without slow mode. */
  readonly slowMode: number;
  /** Of each identity: messages, edits and deletions together. */
  readonly perPeer?: SlidingWindowLimitOptions | undefined;
}

const PER_PEER: SlidingWindowLimitOptions = { limit: 10, window: 10_000, minInterval: 0 };
/** Of all viewers of a broadcast together: each message goes to all of them. */
const ALL_VIEWERS: SlidingWindowLimitOptions = { limit: 50, window: 1000, minInterval: 0 };
const TOO_FAST = 'You have written a lot in a short time';
/** Above so many identities, those that are not limited at present are dropped. */
const MAX_IDENTITIES = 256;

interface IdentityLimits {
  readonly rate: SlidingWindowLimit;
  readonly slowMode: SlidingWindowLimit;
  /** When it wrote last (`performance.now()`). */
  at: number;
}

export class ChatLimits {
  readonly #options: ChatLimitsOptions;
  readonly #allViewers = new SlidingWindowLimit(ALL_VIEWERS);
  /** They outlive a peer: whoever reloads the page waits no less. The one who wrote last is the last. */
  readonly #identities = new Map<string, IdentityLimits>();

  constructor(options: ChatLimitsOptions) {
    this.#options = options;
  }

  /** Counts a message. @param slow whether it is of a viewer @throws {WeirError} `rateLimited` */
  takeMessage(identity: string, slow: boolean): void {
    const { rate, slowMode } = this.#limitsOf(identity);
    takeAll([
      ...(slow && this.#options.slowMode > 0 ? [[slowMode, 'Slow mode is on'] as const] : []),
      [rate, TOO_FAST],
      ...(slow ? [[this.#allViewers, 'Many are writing at the moment'] as const] : []),
    ]);
  }

  /** Counts an edit or a deletion. @throws {WeirError} `rateLimited` */
  takeChange(identity: string): void {
    takeAll([[this.#limitsOf(identity).rate, TOO_FAST]]);
  }

  #limitsOf(identity: string): IdentityLimits {
    const { slowMode, perPeer = PER_PEER } = this.#options;
    const limits = this.#identities.get(identity) ?? {
      rate: new SlidingWindowLimit(perPeer),
      slowMode: new SlidingWindowLimit({ limit: 1, window: slowMode, minInterval: slowMode }),
      at: 0,
    };
    limits.at = performance.now();
    this.#identities.delete(identity);
    this.#identities.set(identity, limits);
    if (this.#identities.size > MAX_IDENTITIES) this.#dropUnlimited(Math.max(slowMode, perPeer.window));
    return limits;
  }

  /** @param after for how long a message limits those that follow, in milliseconds */
  #dropUnlimited(after: number): void {
    for (const [identity, { at }] of this.#identities) {
      if (performance.now() - at <= after) break;
      this.#identities.delete(identity);
    }
  }
}

/** Counts one with each limit, or with none if one of them does not allow it. */
function takeAll(limits: readonly (readonly [limit: SlidingWindowLimit, why: string])[]): void {
  for (const [{ wait }, why] of limits) if (wait > 0) throw rateLimited(why, wait);
  for (const [limit] of limits) limit.take();
}

/** @param wait in milliseconds */
function rateLimited(why: string, wait: number): WeirError {
  const seconds = Math.ceil(wait / 1000);
  return new WeirError('rateLimited', `${why}: wait ${seconds} ${seconds === 1 ? 'second' : 'seconds'}.`, {
    retryAfter: wait / 1000,
  });
}
