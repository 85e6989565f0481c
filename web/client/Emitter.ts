/** A base class with typed events. */

type Listener<T> = (data: T) => void;

export class Emitter<Events extends object> {
  readonly #listeners: { [E in keyof Events]?: Set<Listener<Events[E]>> } = {};

  /** Runs `listener` at every `event`. @returns a function that removes it */
  on<E extends keyof Events>(event: E, listener: Listener<Events[E]>): () => void {
    const set = this.#listeners[event] ?? new Set();
    this.#listeners[event] = set;
    set.add(listener);
    return () => set.delete(listener);
  }

  /** An error of a listener is reported to the page (`reportError`), and the other listeners are called nevertheless. */
  protected emit<E extends keyof Events>(event: E, data: Events[E]): void {
    for (const listener of this.#listeners[event] ?? []) {
      try {
        listener(data);
      } catch (error) {
        reportError(error);
      }
    }
  }
}
