/** The end of one object: undoes everything that it has acquired, once, newest first. */

/**
 * The undo stack of an object. The object acquires something and registers the undo on the next line, with `defer()`. If it
 * has ended meanwhile, during an `await`, the undo runs at once and nothing is left behind.
 */
export class Lifetime<Reason extends string = string> {
  readonly #undo = new DisposableStack();
  #reason: Reason | undefined;

  /** Why it ended; undefined while it is open. */
  get reason(): Reason | undefined {
    return this.#reason;
  }

  get closed(): boolean {
    return this.#reason !== undefined;
  }

  /** Runs `undo` at the end, or now if it has ended. */
  defer(undo: (reason: Reason) => void): void {
    if (this.#reason !== undefined) undo(this.#reason);
    else this.#undo.defer(() => this.#reason !== undefined && undo(this.#reason));
  }

  /**
   * Ends it: runs all undos, even if one of them throws.
   * @returns false if it had already ended
   * @throws {SuppressedError} of several errors that undos threw, or the only one, after all have run
   */
  end(reason: Reason): boolean {
    if (this.#reason !== undefined) return false;
    this.#reason = reason;
    this.#undo.dispose();
    return true;
  }
}
