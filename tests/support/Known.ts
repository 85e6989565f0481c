/** Keeps a value that requests change, as far as it can be known: two requests at the same time may run in either order. */

export class Known<T> {
  #value: T | undefined;
  #running = 0;
  #raced = false;

  constructor(value: T) {
    this.#value = value;
  }

  /** Undefined while it is not known. */
  get value(): T | undefined {
    return this.#value;
  }

  /**
   * Begins a change.
   * @returns ends it, once; `next` says what the value is then, from what it was, or undefined where that is not known
   */
  begin(): (next: (before: T | undefined) => T | undefined) => void {
    this.#raced ||= this.#running > 0;
    this.#running += 1;
    let ended = false;
    return (next) => {
      if (ended) return;
      ended = true;
      this.#running -= 1;
      this.#value = this.#raced ? undefined : next(this.#value);
      if (this.#running === 0) this.#raced = false;
    };
  }
}
