/** Owns the end of one object: the undo of everything it acquired, run once, newest first. */

/**
 * What an object holds until it closes. The object acquires something and registers the undo on the next line:
 * `defer()`. If the object has closed meanwhile (it awaited), the undo runs at once and nothing is left behind.
 */
export class Lifetime<Reason extends string = string> {
  readonly #undo = new DisposableStack();
  #reason: Reason | undefined;

  /** Why it closed, or undefined while it is open. */
  get reason(): Reason | undefined {
    return this.#reason;
  }

  get closed(): boolean {
    return this.#reason !== undefined;
  }

  /** Runs `undo` at the end, or now if the end has been. */
  defer(undo: (reason: Reason) => void): void {
    if (this.#reason !== undefined) undo(this.#reason);
    else this.#undo.defer(() => this.#reason !== undefined && undo(this.#reason));
  }

  /**
   * Ends it: all undos run, whatever any of them throws.
   * @returns false if it had ended before
   * @throws {SuppressedError} or the single error that an undo threw, after all have run
   */
  end(reason: Reason): boolean {
    if (this.#reason !== undefined) return false;
    this.#reason = reason;
    this.#undo.dispose();
    return true;
  }
}
