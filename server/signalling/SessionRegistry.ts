/** Owns the stays that may be taken up again, by the key that only their client has. */
import type { CloseReason } from '../../shared/closeReasons.ts';
import { WeirError } from '../../shared/errors.ts';
import { ConnectionLimit } from './ConnectionLimit.ts';
import { PeerSession, type PeerSessionOptions } from './PeerSession.ts';

/** Ends that somebody meant: who comes back is told of them, rather than let in anew. */
const deliberateReasons: ReadonlySet<CloseReason> = new Set(['kicked', 'replaced']);

/** What those take of the limit who have joined with a token: a room has one member an identity. */
const unlimited: Disposable = { [Symbol.dispose]() {} };

export interface SessionRegistryOptions {
  /** How long a stay outlives its connection, in milliseconds. */
  readonly window: number;
  /** How many may wait for theirs, of those who came from one network without a token. */
  readonly maxPerNetwork: number;
}

export class SessionRegistry {
  readonly #options: SessionRegistryOptions;
  readonly #sessions = new Map<string, PeerSession>();
  /** Why a stay ended while its client was away, as long as it might come back. */
  readonly #ended = new Map<string, CloseReason>();
  readonly #timers = new Set<NodeJS.Timeout>();
  /** Of those without a connection: cutting one must not be a way around the limit of them. */
  readonly #detachedLimit: ConnectionLimit;

  constructor(options: SessionRegistryOptions) {
    this.#options = options;
    this.#detachedLimit = new ConnectionLimit(options.maxPerNetwork);
  }

  open(options: Pick<PeerSessionOptions, 'peer' | 'room' | 'tokens' | 'authenticated'>): PeerSession {
    const { window } = this.#options;
    const stay = new PeerSession({
      ...options,
      window,
      reserve: (address) => (options.authenticated ? unlimited : this.#detachedLimit.acquire(address)),
    });
    this.#sessions.set(stay.key, stay);
    stay.peer.onEnd((reason) => {
      this.#sessions.delete(stay.key);
      if (deliberateReasons.has(reason)) this.#rememberEnd(stay.key, reason);
    });
    return stay;
  }

  /**
   * The stay of that key, or why it was ended by somebody.
   * @throws {WeirError} `gone`, for whatever else, and without a word on whether there ever was one
   */
  find(key: string): PeerSession | CloseReason {
    const found = this.#sessions.get(key) ?? this.#ended.get(key);
    if (found === undefined) throw new WeirError('sessionExpired');
    return found;
  }

  close(): void {
    for (const timer of this.#timers) clearTimeout(timer);
    this.#timers.clear();
    this.#ended.clear();
  }

  #rememberEnd(key: string, reason: CloseReason): void {
    this.#ended.set(key, reason);
    const timer = setTimeout(() => {
      this.#timers.delete(timer);
      this.#ended.delete(key);
    }, this.#options.window);
    this.#timers.add(timer);
  }
}
