/** Owns the stays that may be taken up again, by the key that only their client has. */
import type { CloseReason } from '../../shared/closing.ts';
import { WeirError } from '../../shared/errors.ts';
import { networkOf } from './network.ts';
import { Stay, type StayOptions } from './Stay.ts';

/** Ends that somebody meant: who comes back is told of them, rather than let in anew. */
const meant: ReadonlySet<CloseReason> = new Set(['kicked', 'replaced']);

export interface StaysOptions {
  /** How long a stay outlives its connection, in milliseconds. */
  readonly window: number;
  /** How many may wait for theirs, of those who came from one network. */
  readonly maxPerNetwork: number;
}

export class Stays {
  readonly #options: StaysOptions;
  readonly #open = new Map<string, Stay>();
  /** Why a stay ended while its client was away, as long as it might come back. */
  readonly #ended = new Map<string, CloseReason>();
  readonly #timers = new Set<NodeJS.Timeout>();
  /** How many of each network are without a connection: cutting one must not be a way around the limit of them. */
  readonly #waiting = new Map<string, number>();

  constructor(options: StaysOptions) {
    this.#options = options;
  }

  open(options: Pick<StayOptions, 'peer' | 'room' | 'tokens'>): Stay {
    const { window } = this.#options;
    const stay = new Stay({ ...options, window, wait: (address) => this.#wait(networkOf(address)) });
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

  #wait(network: string): Disposable | undefined {
    const waiting = this.#waiting.get(network) ?? 0;
    if (waiting >= this.#options.maxPerNetwork) return undefined;
    this.#waiting.set(network, waiting + 1);
    return {
      [Symbol.dispose]: () => {
        const left = (this.#waiting.get(network) ?? 1) - 1;
        if (left > 0) this.#waiting.set(network, left);
        else this.#waiting.delete(network);
      },
    };
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
