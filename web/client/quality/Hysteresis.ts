/** Keeps judgements from flapping: a cause takes effect when it was found repeatedly, and ends when none was for longer. */
import type { ConnectionQuality } from './judge.ts';

/** In milliseconds: the time in which judgements are counted, and after which, without any cause, all is good again. */
const WINDOW = 5000;
/**
 * How often a cause must have been found within the window, at one judgement a second. A moment's loss, as when a phone
 * changes its Wi-Fi, is found once or twice; a bad link does well for a second in between. Another cause takes one more.
 */
const FOUND = { begin: 3, change: 4 };

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
    if (quality === 'good') return this.#found('good') === this.#judged.length ? 'good' : current;
    // A blame that turns out to be the server's is taken back at once.
    if (quality === 'server' && current !== 'good') return 'server';
    if (current === 'good') return this.#found(quality) >= FOUND.begin ? quality : 'good';
    return this.#found(quality) >= FOUND.change && this.#found(current) === 0 ? quality : current;
  }

  #found(quality: ConnectionQuality): number {
    return this.#judged.filter((one) => one.quality === quality).length;
  }
}
