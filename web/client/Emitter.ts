/** Owns typed events: a list of listeners an event. */

type Listener<T> = (data: T) => void;

export class Emitter<Events extends object> {
  readonly #listeners = new Map<keyof Events, Set<Listener<never>>>();

  /** Runs `listener` at every `event`. @returns a function that takes it off again */
  on<E extends keyof Events>(event: E, listener: Listener<Events[E]>): () => void {
    const set = this.#listeners.get(event) ?? new Set();
    this.#listeners.set(event, set);
    set.add(listener);
    return () => set.delete(listener);
  }

  /** A listener that throws does not keep the others from hearing; its error is reported to the page. */
  protected emit<E extends keyof Events>(event: E, data: Events[E]): void {
    for (const listener of this.#listeners.get(event) ?? []) {
      try {
        (listener as Listener<Events[E]>)(data);
      } catch (error) {
        reportError(error);
      }
    }
  }
}
