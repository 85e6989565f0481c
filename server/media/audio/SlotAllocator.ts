/** Owns who holds which slot: the rules, without packets and without clock. */

/** How long a holder must have been silent to be replaced by anybody who speaks, in milliseconds. */
const SILENT = 600;
/** How much louder, in dB, and for how long, in milliseconds, one must speak to replace somebody who speaks. */
const LOUDER = { by: 6, for: 500 } as const;

/** What the rules look at; a Voice has it. */
export interface SlotCandidate {
  /** How loud it speaks, in dB. */
  readonly level: number;
  isSpeaking(at: number): boolean;
  /** How long it has not spoken, in milliseconds. */
  silence(at: number): number;
}

/**
 * Slots 0 to `heard` - 1 are for everybody's ears. The one after them is for those who hold one of these: they do not hear
 * themselves, and so it is the same number of others for all. A holder keeps its slot until somebody needs it, so that
 * nothing changes in short pauses.
 */
export class SlotAllocator<S extends SlotCandidate> {
  readonly #holders: (S | undefined)[];
  /** When each holder got its slot. */
  readonly #since: number[];
  /** Who speaks louder than a holder, and since when. */
  readonly #louder = new Map<S, number>();
  readonly #extra: number;

  constructor(heard: number) {
    this.#extra = heard;
    this.#holders = new Array<S | undefined>(heard + 1).fill(undefined);
    this.#since = new Array<number>(heard + 1).fill(Number.NEGATIVE_INFINITY);
  }

  /** By slot. */
  get holders(): readonly (S | undefined)[] {
    return this.#holders;
  }

  /** The slot that it holds, or -1. */
  slotOf(speaker: S): number {
    return this.#holders.indexOf(speaker);
  }

  /**
   * It is there and may speak: gives it a slot if the rules say so, or a better one.
   * @param at now, in milliseconds
   * @returns whether any slot changed hands
   */
  claim(speaker: S, at: number): boolean {
    const held = this.slotOf(speaker);
    // To leave the extra one for another of its kind gains nothing.
    const choice = held < 0 ? this.#extra + 1 : this.#extra;
    if ((held >= 0 && held < this.#extra) || !speaker.isSpeaking(at)) {
      this.#louder.delete(speaker);
      return false;
    }
    // Those that everybody hears first, the extra one last.
    const heard = this.#firstFree(this.#extra) ?? this.#longestSilent(this.#extra, at);
    const slot = heard ?? this.#firstFree(choice) ?? this.#longestSilent(choice, at);
    if (slot !== undefined) {
      this.#assign(slot, speaker, at);
      return true;
    }
    return this.#preempt(speaker, held, at);
  }

  /** Frees what it holds. @returns whether it held any */
  release(speaker: S): boolean {
    this.#louder.delete(speaker);
    const held = this.slotOf(speaker);
    if (held < 0) return false;
    this.#holders[held] = undefined;
    return true;
  }

  #assign(slot: number, speaker: S, at: number): void {
    this.release(speaker);
    this.#holders[slot] = speaker;
    this.#since[slot] = at;
  }

  #firstFree(choice: number): number | undefined {
    const slot = this.#holders.indexOf(undefined);
    return slot >= 0 && slot < choice ? slot : undefined;
  }

  /** A slot that all hear before the extra one, then whose holder has been silent longest. */
  #longestSilent(choice: number, at: number): number | undefined {
    let found: number | undefined;
    let longest = 0;
    for (const [slot, holder] of this.#holders.entries()) {
      if (slot >= choice || (slot === this.#extra && found !== undefined)) break;
      const silence = holder?.silence(at) ?? 0;
      if (silence < SILENT || silence <= longest) continue;
      found = slot;
      longest = silence;
    }
    return found;
  }

  /** Takes the slot of the quietest, once that has been clearly quieter for long enough. */
  #preempt(speaker: S, held: number, at: number): boolean {
    const slot = this.#quietestBelow(speaker.level - LOUDER.by, held);
    const quietest = slot === undefined ? undefined : this.#holders[slot];
    if (slot === undefined || !quietest) {
      this.#louder.delete(speaker);
      return false;
    }
    const since = this.#louder.get(speaker) ?? at;
    this.#louder.set(speaker, since);
    // Whoever came a moment ago has not had the time to be heard.
    if (at - Math.max(since, this.#since[slot] ?? at) < LOUDER.for) return false;
    this.#assign(slot, speaker, at);
    // The two change places: the quieter one still is one of those who speak.
    if (held >= 0) this.#assign(held, quietest, at);
    return true;
  }

  #quietestBelow(limit: number, held: number): number | undefined {
    let found: number | undefined;
    let quietest = limit;
    for (const [slot, holder] of this.#holders.entries()) {
      if (slot === this.#extra && (held === slot || found !== undefined)) break;
      if (!holder || holder.level > quietest) continue;
      found = slot;
      quietest = holder.level;
    }
    return found;
  }
}
