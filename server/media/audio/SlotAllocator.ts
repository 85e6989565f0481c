/** The rules of which talker holds which audio slot, without packets and without a clock. */

/** How long a holder has to be silent before anybody who speaks replaces it, in milliseconds. */
const REPLACEABLE_SILENCE = 600;
/** How much louder, in dB, and for how long, in milliseconds, somebody has to speak to replace a holder who speaks. */
const LOUDER = { by: 6, for: 500 } as const;

/** What the rules depend on; `SpeechDetector` has it. */
export interface SlotCandidate {
  /** How loud it speaks, in dBov. */
  readonly level: number;
  isSpeaking(at: number): boolean;
  /** How long it has not spoken, in milliseconds. */
  silence(at: number): number;
}

/**
 * Slots 0 to `maxAudibleSpeakers` - 1 are heard by everybody. The extra slot after them is heard by the holders of the
 * others, who do not hear themselves, so that everybody hears the same number of talkers. A holder keeps its slot until
 * somebody else needs it, so that nothing changes in short pauses.
 */
export class SlotAllocator<S extends SlotCandidate> {
  readonly #holders: (S | undefined)[];
  /** When each holder got its slot. */
  readonly #since: number[];
  /** Candidates that speak louder than a holder, and since when. */
  readonly #louder = new Map<S, number>();
  readonly #extra: number;
  readonly #fillsFree: boolean;

  /** @param fillsFree whether a free slot that everybody hears goes to any candidate, speaking or not */
  constructor(maxAudibleSpeakers: number, fillsFree = false) {
    this.#extra = maxAudibleSpeakers;
    this.#fillsFree = fillsFree;
    this.#holders = new Array<S | undefined>(maxAudibleSpeakers + 1).fill(undefined);
    this.#since = new Array<number>(maxAudibleSpeakers + 1).fill(Number.NEGATIVE_INFINITY);
  }

  /** The holder of each slot. */
  get holders(): readonly (S | undefined)[] {
    return this.#holders;
  }

  /** The slot that a candidate holds, or -1. */
  slotOf(candidate: S): number {
    return this.#holders.indexOf(candidate);
  }

  /**
   * Called for each packet of a candidate: assigns a slot, or a better one, if the rules say so.
   * @param at now, in milliseconds
   * @returns whether any slot has another holder now
   */
  claim(candidate: S, at: number): boolean {
    const held = this.slotOf(candidate);
    // The holder of the extra slot is interested in the others only.
    const end = held < 0 ? this.#extra + 1 : this.#extra;
    if ((held >= 0 && held < this.#extra) || !candidate.isSpeaking(at)) {
      this.#louder.delete(candidate);
      return held < 0 && this.#fillFree(candidate, at);
    }
    // The slots that everybody hears first, the extra one last.
    const heardByAll = this.#firstFree(this.#extra) ?? this.#longestSilent(this.#extra, at);
    const slot = heardByAll ?? this.#firstFree(end) ?? this.#longestSilent(end, at);
    if (slot !== undefined) {
      this.#assign(slot, candidate, at);
      return true;
    }
    return this.#preempt(candidate, held, at);
  }

  /** Frees the slot of a candidate. @returns whether it held one */
  release(candidate: S): boolean {
    this.#louder.delete(candidate);
    const held = this.slotOf(candidate);
    if (held < 0) return false;
    this.#holders[held] = undefined;
    return true;
  }

  /** Whoever speaks later replaces it at once, since it has not been heard. */
  #fillFree(candidate: S, at: number): boolean {
    const slot = this.#fillsFree ? this.#firstFree(this.#extra) : undefined;
    if (slot === undefined) return false;
    this.#assign(slot, candidate, at);
    return true;
  }

  #assign(slot: number, candidate: S, at: number): void {
    this.release(candidate);
    this.#holders[slot] = candidate;
    this.#since[slot] = at;
  }

  /** The first free slot before `end`. */
  #firstFree(end: number): number | undefined {
    const slot = this.#holders.indexOf(undefined);
    return slot >= 0 && slot < end ? slot : undefined;
  }

  /**
   * The slot before `end` whose holder has been silent longest, and for long enough; the extra one only if there is no
   * other.
   */
  #longestSilent(end: number, at: number): number | undefined {
    let found: number | undefined;
    let longest = 0;
    for (const [slot, holder] of this.#holders.entries()) {
      if (slot >= end || (slot === this.#extra && found !== undefined)) break;
      const silence = holder?.silence(at) ?? 0;
      if (silence < REPLACEABLE_SILENCE || silence <= longest) continue;
      found = slot;
      longest = silence;
    }
    return found;
  }

  /** Assigns the slot of the quietest holder, once that has been clearly quieter for long enough. */
  #preempt(candidate: S, held: number, at: number): boolean {
    const slot = this.#quietestBelow(candidate.level - LOUDER.by, held);
    const quietest = slot === undefined ? undefined : this.#holders[slot];
    if (slot === undefined || !quietest) {
      this.#louder.delete(candidate);
      return false;
    }
    const since = this.#louder.get(candidate) ?? at;
    this.#louder.set(candidate, since);
    // A holder that got its slot a moment ago keeps it: it has not had the time to be heard.
    if (at - Math.max(since, this.#since[slot] ?? at) < LOUDER.for) return false;
    this.#assign(slot, candidate, at);
    // The two change slots: the quieter one is still among those who speak.
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
