/** Places for connections: so many of one network at a time, and so many of all. */
import { ConnectionLimit } from '../../common/ConnectionLimit.ts';

export interface PlacesOptions {
  readonly perNetwork: number;
  readonly all: number;
}

export class Places {
  readonly #all: number;
  readonly #perNetwork: ConnectionLimit;
  #taken = 0;

  constructor({ perNetwork, all }: PlacesOptions) {
    this.#all = all;
    this.#perNetwork = new ConnectionLimit(perNetwork);
  }

  /**
   * Takes a place for this address, until the result is disposed of, once.
   * @param makeRoom may dispose of another one, where all are taken but this network has a right to one
   * @returns undefined where there is none
   */
  acquire(address: string, makeRoom?: () => void): Disposable | undefined {
    const place = this.#perNetwork.acquire(address);
    if (!place) return undefined;
    if (this.#taken >= this.#all) makeRoom?.();
    const held = new DisposableStack();
    held.use(place);
    if (this.#taken >= this.#all) {
      held.dispose();
      return undefined;
    }
    this.#taken += 1;
    held.defer(() => {
      this.#taken -= 1;
    });
    return held;
  }
}
