/** Which of many messages are on the page: a window over the list, which follows its end or stays where one reads. */

/** How many messages are shown at the end of the list, how many more come at a time, and how many there are at most. */
const SHOWN = 100;
const STEP = 60;
const MOST = 240;

interface Identified {
  readonly id: string;
}

export class MessageWindow<T extends Identified> {
  #all: readonly T[] = [];
  #firstId: string | undefined;
  #lastId: string | undefined;
  #start = 0;
  #end = 0;
  #following = true;

  /** Whether it stays at the end of the list. */
  get following(): boolean {
    return this.#following;
  }

  /** The messages of the window. */
  get shown(): readonly T[] {
    return this.#all.slice(this.#start, this.#end);
  }

  /** Whether there are messages before the window. */
  get hasEarlier(): boolean {
    return this.#start > 0;
  }

  /** How many messages are behind the window. */
  get later(): number {
    return this.#all.length - this.#end;
  }

  /** Takes the list as it is now; of the one before it may lack messages at the start, and have more anywhere. */
  update(all: readonly T[]): void {
    this.#all = all;
    if (this.#following) {
      this.follow();
      return;
    }
    const start = all.findIndex(({ id }) => id === this.#firstId);
    const end = all.findLastIndex(({ id }) => id === this.#lastId) + 1;
    // What was at the edges is not kept any more: the nearest that is.
    this.#set(Math.max(0, start), end > 0 ? end : Math.min(all.length, Math.max(0, start) + SHOWN));
  }

  /** Goes to the end, and stays there. */
  follow(): void {
    this.#following = true;
    this.#set(this.#all.length - SHOWN, this.#all.length);
  }

  /** Stays where it is. */
  stay(): void {
    this.#following = false;
  }

  /** @returns whether more are shown now */
  showEarlier(): boolean {
    if (!this.hasEarlier) return false;
    this.#following = false;
    const start = Math.max(0, this.#start - STEP);
    this.#set(start, Math.min(this.#end, start + MOST));
    return true;
  }

  /** @returns whether more are shown now */
  showLater(): boolean {
    if (this.later === 0) return false;
    const end = Math.min(this.#all.length, this.#end + STEP);
    this.#set(Math.max(this.#start, end - MOST), end);
    return true;
  }

  #set(start: number, end: number): void {
    this.#start = Math.max(0, start);
    this.#end = end;
    this.#firstId = this.#all[this.#start]?.id;
    this.#lastId = this.#all[end - 1]?.id;
  }
}
