/** Two network namespaces on this machine, joined by an emulated link (`netem.py`). Linux, root. */
import type { ChildProcess, SpawnOptions } from 'node:child_process';
import { EmulatedLink, type LinkDirection, type LinkSettings } from './EmulatedLink.ts';
import { Namespace, whyNoNamespaces } from './Namespace.ts';

export { whyNoNamespaces } from './Namespace.ts';

export type Side = 'a' | 'b';

/** The addresses of the two sides. */
export const addresses: Readonly<Record<Side, string>> = { a: '10.203.0.1', b: '10.203.0.2' };

export class Namespaces implements AsyncDisposable {
  readonly #sides: Readonly<Record<Side, Namespace>>;
  readonly #link: EmulatedLink;
  #disposed: Promise<void> | undefined;

  private constructor(sides: Readonly<Record<Side, Namespace>>, link: EmulatedLink) {
    this.#sides = sides;
    this.#link = link;
  }

  /**
   * @param link initial settings; default a perfect link
   * @param seconds lifetime after which the link and the namespaces remove themselves, whatever happens to this process
   * @throws {Error} that says what is missing; nothing is left behind
   */
  static async create(link: LinkSettings = {}, seconds = 600): Promise<Namespaces> {
    const why = whyNoNamespaces();
    if (why) throw new Error(`No network namespaces can be made: ${why}.`);
    await using opening = new AsyncDisposableStack();
    const a = opening.use(await Namespace.create('weir-a'));
    const b = opening.use(await Namespace.create('weir-b'));
    const emulated = new EmulatedLink(
      [
        { namespace: a.name, address: addresses.a },
        { namespace: b.name, address: addresses.b },
      ],
      link,
      seconds,
    );
    opening.defer(() => emulated.end());
    await emulated.up();
    opening.move();
    return new Namespaces({ a, b }, emulated);
  }

  /** The names for `ip netns`. */
  get names(): Readonly<Record<Side, string>> {
    return { a: this.#sides.a.name, b: this.#sides.b.name };
  }

  /** As `EmulatedLink.set`. */
  set(link: LinkSettings, direction?: LinkDirection): Promise<void> {
    return this.#link.set(link, direction);
  }

  /** Starts a program in one of them. It is killed with the namespace if it still runs; its pid is its own. */
  run(side: Side, command: string, args: readonly string[] = [], options: SpawnOptions = {}): ChildProcess {
    return this.#sides[side].run(command, args, options);
  }

  /** Kills the programs, ends the link and deletes the namespaces; idempotent. */
  dispose(): Promise<void> {
    this.#disposed ??= this.#dispose();
    return this.#disposed;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.dispose();
  }

  async #dispose(): Promise<void> {
    await Promise.all(Object.values(this.#sides).map((side) => side.dispose()));
    await this.#link.end();
  }
}
