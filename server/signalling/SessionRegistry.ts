/** The sessions that can be resumed, by the key that only their client has. */
import type { CloseReason } from '../../shared/closeReasons.ts';
import { WeirError } from '../../shared/errors.ts';
import { ConnectionLimit } from '../common/ConnectionLimit.ts';
import { PeerSession, type PeerSessionOptions } from './PeerSession.ts';

/** Ends that somebody caused on purpose: a client that comes back is told of them, rather than let join again. */
const deliberateReasons: ReadonlySet<CloseReason> = new Set(['kicked', 'replaced', 'roomEnded']);

/** The reservation of a session that joined with a token. Those are not limited: a room has one member an identity. */
const unlimited: Disposable = { [Symbol.dispose]() {} };

export interface SessionRegistryOptions {
  /** How long a session outlives its connection, in milliseconds. */
  readonly window: number;
  /** How many sessions without a connection and a token may come from one IP prefix. */
  readonly maxPerNetwork: number;
}

export class SessionRegistry {
  readonly #options: SessionRegistryOptions;
  readonly #sessions = new Map<string, PeerSession>();
  /** Why a session was ended while its client was away, for as long as the client may come back. */
  readonly #ended = new Map<string, CloseReason>();
  readonly #timers = new Set<NodeJS.Timeout>();
  /** Counts sessions without a connection: disconnecting must not be a way around the limit of connections. */
  readonly #detachedLimit: ConnectionLimit;

  constructor(options: SessionRegistryOptions) {
    this.#options = options;
    this.#detachedLimit = new ConnectionLimit(options.maxPerNetwork);
  }

  open(options: Pick<PeerSessionOptions, 'peer' | 'room' | 'tokens' | 'authenticated'>): PeerSession {
    const { window } = this.#options;
    const session = new PeerSession({
      ...options,
      window,
      reserve: (address) => (options.authenticated ? unlimited : this.#detachedLimit.acquire(address)),
    });
    this.#sessions.set(session.key, session);
    session.peer.onEnd((reason) => {
      this.#sessions.delete(session.key);
      if (deliberateReasons.has(reason)) this.#rememberEnd(session.key, reason);
    });
    return session;
  }

  /**
   * The session of that key, or the reason for which somebody ended it.
   * @throws {WeirError} `sessionExpired` in every other case: it does not reveal whether there ever was a session
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
