/** Keeps judgements from flapping: a cause takes effect when it was found repeatedly, and ends when it was not for longer. */
import type { ConnectionQuality, Finding } from './judge.ts';

/** In milliseconds: after which a cause that was not found any more ends. */
const END = 5000;
/**
 * How often a cause must have been found within a time, in milliseconds, at one judgement a second. A moment's loss, as when
 * a phone changes its Wi-Fi, is found once or twice; a bad link does well for a second in between. A tentative cause needs
 * longer, since what disproves it may be on its way.
 */
const NEEDED = { certain: { times: 3, within: 5000 }, tentative: { times: 5, within: 7000 } };

export class Hysteresis {
  #current: ConnectionQuality = 'good';
  #judged: readonly (Finding & { readonly at: number })[] = [];

  get current(): ConnectionQuality {
    return this.#current;
  }

  /** Whether nothing was found as long as judgements are kept. */
  get isSettled(): boolean {
    return this.#current === 'good' && this.#judged.every(({ quality }) => quality === 'good');
  }

  /** @param now in milliseconds @returns whether `current` has changed */
  update({ quality, tentative }: Finding, now: number): boolean {
    const kept = NEEDED.tentative.within;
    this.#judged = [...this.#judged, { quality, tentative, at: now }].filter(({ at }) => now - at < kept);
    const next = this.#next(quality, now);
    const isChanged = next !== this.#current;
    this.#current = next;
    return isChanged;
  }

  #next(quality: ConnectionQuality, now: number): ConnectionQuality {
    const current = this.#current;
    // A blame that turns out to be the server's is taken back at once.
    if (quality === 'server' && current !== 'good') return 'server';
    const isCertain = this.#count(quality, NEEDED.certain.within, now, false) >= NEEDED.certain.times;
    const recent = this.#count(current, END, now);
    if (current !== 'good' && recent > 0) {
      // As long as the same cause is found now and then, it stays, unless it was only tentative and another one is certain.
      return isCertain && quality !== 'good' && this.#count(current, END, now, false) === 0 ? quality : current;
    }
    // Whatever is found instead counts anew.
    const { times, within } = NEEDED.tentative;
    return isCertain || this.#count(quality, within, now) >= times ? quality : 'good';
  }

  /** How often a cause was found within a time. @param tentative only those that were, or were not */
  #count(quality: ConnectionQuality, within: number, now: number, tentative?: boolean): number {
    return this.#judged.filter(
      (one) =>
        one.quality === quality && now - one.at < within && (tentative === undefined || one.tentative === tentative),
    ).length;
  }
}
