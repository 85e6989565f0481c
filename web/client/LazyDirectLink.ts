/** The link with direct connections of a session, which is loaded and made when it is needed first. */
import type { DirectLink } from './DirectLink.ts';

export class LazyDirectLink {
  readonly #make: () => Promise<DirectLink | undefined>;
  #link: DirectLink | undefined;
  /** Settles when all calls so far have been made. */
  #calls: Promise<void> | undefined;
  #closed = false;

  /** @param make loads and makes it; undefined where there is none */
  constructor(make: () => Promise<DirectLink | undefined>) {
    this.#make = make;
  }

  /** Undefined until it has been made. */
  get link(): DirectLink | undefined {
    return this.#link;
  }

  /**
   * Calls it, once it is there, in the order of these calls.
   * @param isNeeded whether it is made for this call; otherwise nothing happens if it never was
   */
  call(action: (link: DirectLink) => void, isNeeded = false): void {
    if (!this.#calls && !isNeeded) return;
    // Where it cannot be loaded, the next call that needs it tries again; media goes through the server.
    this.#calls = (this.#calls ?? Promise.resolve()).then(() => this.#run(action)).catch(() => {});
  }

  /** @returns when it is there @throws if it cannot be loaded */
  async require(): Promise<DirectLink> {
    const made = Promise.withResolvers<DirectLink>();
    this.#calls = made.promise.then(() => {}).catch(() => {});
    try {
      this.#link = await this.#make();
      if (!this.#link) throw new Error('There is no direct media here.');
      made.resolve(this.#link);
    } catch (error) {
      made.reject(error);
    }
    return made.promise;
  }

  close(): void {
    this.#closed = true;
  }

  async #run(action: (link: DirectLink) => void): Promise<void> {
    if (this.#closed) return;
    this.#link ??= await this.#make();
    if (this.#link && !this.#closed) action(this.#link);
  }
}
