/** Owns typed events: a list of listeners an event. */

type Listener<T> = (data: T) => void;

export class Emitter<Events extends object> {
  readonly #listeners: { [E in keyof Events]?: Set<Listener<Events[E]>> } = {};

  /** Runs `listener` at every `event`. @returns a function that takes it off again */
  on<E extends keyof Events>(event: E, listener: Listener<Events[E]>): () => void {
    const set = this.#listeners[event] ?? new Set();
    this.#listeners[event] = set;
    set.add(listener);
    return () => set.delete(listener);
  }

  /** A listener that throws does not keep the others from hearing; its error is reported to the page. */
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
