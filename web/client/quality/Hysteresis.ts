/** Keeps judgements from flapping: a cause takes effect when it was found repeatedly, and ends when it was not for longer. */
import type { ConnectionQuality } from './judge.ts';

/** In milliseconds: the time in which judgements are counted, and after which a cause that was not found any more ends. */
const WINDOW = 5000;
/**
 * How often a cause must have been found within the window, at one judgement a second. A moment's loss, as when a phone
 * changes its Wi-Fi, is found once or twice; a bad link does well for a second in between.
 */
const FOUND = 3;

export class Hysteresis {
  #current: ConnectionQuality = 'good';
  #judged: readonly { readonly quality: ConnectionQuality; readonly at: number }[] = [];

  get current(): ConnectionQuality {
    return this.#current;
  }

  /** Whether everything has been good for the whole window. */
  get isSettled(): boolean {
    return this.#current === 'good' && this.#judged.every(({ quality }) => quality === 'good');
  }

  /** @param now in milliseconds @returns whether `current` has changed */
  update(quality: ConnectionQuality, now: number): boolean {
    this.#judged = [...this.#judged, { quality, at: now }].filter(({ at }) => now - at < WINDOW);
    const next = this.#next(quality);
    const isChanged = next !== this.#current;
    this.#current = next;
    return isChanged;
  }

  #next(quality: ConnectionQuality): ConnectionQuality {
    const current = this.#current;
    // A blame that turns out to be the server's is taken back at once.
    if (quality === 'server' && current !== 'good') return 'server';
    // As long as the same cause is found now and then, it stays; after that, whatever is found instead counts anew.
    if (current !== 'good' && this.#found(current) > 0) return current;
    return this.#found(quality) >= FOUND ? quality : 'good';
  }

  #found(quality: ConnectionQuality): number {
    return this.#judged.filter((one) => one.quality === quality).length;
  }
}
