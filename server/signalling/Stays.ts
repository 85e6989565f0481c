/** Owns the stays that may be taken up again, by the key that only their client has. */
import type { CloseReason } from '../../shared/closing.ts';
import { WeirError } from '../../shared/errors.ts';
import { Stay, type StayOptions } from './Stay.ts';

/** Ends that somebody meant: who comes back is told of them, rather than let in anew. */
const meant: ReadonlySet<CloseReason> = new Set(['kicked', 'replaced']);

export class Stays {
  readonly #window: number;
  readonly #open = new Map<string, Stay>();
  /** Why a stay ended while its client was away, as long as it might come back. */
  readonly #ended = new Map<string, CloseReason>();
  readonly #timers = new Set<NodeJS.Timeout>();

  /** @param window how long a stay outlives its connection, in milliseconds */
  constructor(window: number) {
    this.#window = window;
  }

  open(options: Omit<StayOptions, 'window'>): Stay {
    const stay = new Stay({ ...options, window: this.#window });
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
    }, this.#window);
    this.#timers.add(timer);
  }
}
