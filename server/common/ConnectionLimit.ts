/** Limits how many of something one network has at a time: one IPv4 address, or one IPv6 /64. */
import { ipPrefix } from './ipPrefix.ts';

export class ConnectionLimit {
  readonly #limit: number;
  readonly #counts = new Map<string, number>();

  /** @param limit per network, at a time */
  constructor(limit: number) {
    this.#limit = limit;
  }

  /** Counts one for that address, until the result is disposed of. @returns undefined if the limit is reached */
  acquire(address: string): Disposable | undefined {
    const network = ipPrefix(address);
    const count = this.#counts.get(network) ?? 0;
    if (count >= this.#limit) return undefined;
    this.#counts.set(network, count + 1);
    let counted = true;
    return {
      [Symbol.dispose]: () => {
        if (!counted) return;
        counted = false;
        const left = (this.#counts.get(network) ?? 1) - 1;
        if (left > 0) this.#counts.set(network, left);
        else this.#counts.delete(network);
      },
    };
  }
}
