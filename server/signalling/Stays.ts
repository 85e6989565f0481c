/** Owns the stays that may be taken up again, by the key that only their client has. */
import type { CloseReason } from '../../shared/closing.ts';
import { WeirError } from '../../shared/errors.ts';
import { ConnectionLimit } from './ConnectionLimit.ts';
import { Stay, type StayOptions } from './Stay.ts';

/** Ends that somebody meant: who comes back is told of them, rather than let in anew. */
const meant: ReadonlySet<CloseReason> = new Set(['kicked', 'replaced']);

/** What those take of the limit who have joined with a token: a room has one member an identity. */
const anyNumber: Disposable = { [Symbol.dispose]() {} };

export interface StaysOptions {
  /** How long a stay outlives its connection, in milliseconds. */
  readonly window: number;
  /** How many may wait for theirs, of those who came from one network without a token. */
  readonly maxPerNetwork: number;
}

export class Stays {
  readonly #options: StaysOptions;
  readonly #open = new Map<string, Stay>();
  /** Why a stay ended while its client was away, as long as it might come back. */
  readonly #ended = new Map<string, CloseReason>();
  readonly #timers = new Set<NodeJS.Timeout>();
  /** Of those without a connection: cutting one must not be a way around the limit of them. */
  readonly #waiting: ConnectionLimit;

  constructor(options: StaysOptions) {
    this.#options = options;
    this.#waiting = new ConnectionLimit(options.maxPerNetwork);
  }

  open(options: Pick<StayOptions, 'peer' | 'room' | 'tokens' | 'authenticated'>): Stay {
    const { window } = this.#options;
    const stay = new Stay({
      ...options,
      window,
      wait: (address) => (options.authenticated ? anyNumber : this.#waiting.take(address)),
    });
    this.#open.set(stay.key, stay);
    stay.peer.onEnd((reason) => {
      this.#open.delete(stay.key);
      if (meant.has(reason)) this.#rememberEnd(stay.key, reason);
    });
    return stay;
  }

  /**
   * The stay of that key, or why it was ended by somebody.
   * @throws {WeirError} `gone`, for whatever else, and without a word on whether there ever was one
   */
  find(key: string): Stay | CloseReason {
    const found = this.#open.get(key) ?? this.#ended.get(key);
    if (found === undefined) throw new WeirError('gone');
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
