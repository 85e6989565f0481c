/** Tracks a value that concurrent requests change in an unknown order: undefined while it is not determined. */

export class RacingValue<T> {
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
   * Starts a change.
   * @returns a function that completes it, once; `next` computes the new value from the old one, or returns undefined
   * where it is not known
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
