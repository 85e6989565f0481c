/** Counts what comes from one network, an IPv4 address or an IPv6 /64, against a limit. */
import { ipPrefix } from './ipPrefix.ts';

export class ConnectionLimit {
  readonly #limit: number;
  readonly #counts = new Map<string, number>();

  /** @param most from one network at a time */
  constructor(most: number) {
    this.#limit = most;
  }

  /** One more from that address, until it is disposed of; undefined where there are as many as there may be. */
  acquire(address: string): Disposable | undefined {
    const network = ipPrefix(address);
    const count = this.#counts.get(network) ?? 0;
    if (count >= this.#limit) return undefined;
    this.#counts.set(network, count + 1);
    let taken = true;
    return {
      [Symbol.dispose]: () => {
        if (!taken) return;
        taken = false;
        const left = (this.#counts.get(network) ?? 1) - 1;
        if (left > 0) this.#counts.set(network, left);
        else this.#counts.delete(network);
      },
    };
  }
}
