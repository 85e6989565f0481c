/** Owns what a room's media runs on: a router on each worker that it needs, made on demand, and the pipes between them. */
import type { Producer } from 'mediasoup/types';
import { WeirError } from '../../shared/errors.ts';
import { Lifetime } from '../Lifetime.ts';
import { Hub } from './Hub.ts';
import type { Stay } from './Load.ts';
import type { MediaWorker } from './MediaWorker.ts';
import { type Lease, Pipes } from './Pipes.ts';
import type { WorkerPool } from './WorkerPool.ts';

/** Where somebody's media comes in; dispose of it when they leave. */
export interface Place extends Stay {
  readonly hub: Hub;
}

/** How long a router is kept that nobody's media comes in at, in milliseconds: people come back, and others come. */
const LINGER = 5000;

export interface FabricOptions {
  /** Instead of five seconds, in milliseconds. */
  readonly linger?: number | undefined;
}

/** The router on one worker, from the moment that it is asked for, and how many are placed there. */
interface Use {
  readonly opening: Promise<Hub>;
  places: number;
  idle: NodeJS.Timeout | undefined;
}

export class Fabric {
  readonly #pool: WorkerPool;
  readonly #linger: number;
  readonly #uses = new Map<MediaWorker, Use>();
  readonly #open = new Set<Hub>();
  readonly #pipes = new Pipes();
  readonly #lifetime = new Lifetime<'closed' | 'mediaLost'>();

  private constructor(pool: WorkerPool, { linger = LINGER }: FabricOptions) {
    this.#pool = pool;
    this.#linger = linger;
    this.#lifetime.defer(() => this.#closeHubs());
    this.#lifetime.defer(() => this.#pipes.close());
  }

  /** @throws {WeirError} `unavailable` while no worker runs, `busy` while all have enough to do */
  static async open(pool: WorkerPool, options: FabricOptions = {}): Promise<Fabric> {
    const fabric = new Fabric(pool, options);
    await fabric.#use(pool.pick()).opening;
    return fabric;
  }

  /** Runs `listener` once it has ended: `mediaLost` when all of its workers have. */
  onEnd(listener: (reason: 'closed' | 'mediaLost') => void): void {
    this.#lifetime.defer(listener);
  }

  /** The routers that the room has now. */
  get hubs(): readonly Hub[] {
    return [...this.#open];
  }

  /**
   * A place for somebody who comes in: on one of the room's routers, unless their workers have enough to do. A router on
   * which nobody has had a place for a while closes.
   * @param waits nothing is sent to them yet: `begin()` says when
   * @throws {WeirError} `unavailable`, `closed`
   */
  async place(waits = false): Promise<Place> {
    const own = this.hubs.map((hub) => hub.worker);
    const { worker, stay } = this.#pool.place(own, waits);
    const use = this.#use(worker);
    use.places += 1;
    clearTimeout(use.idle);
    let given = false;
    const giveBack = () => {
      stay[Symbol.dispose]();
      if (given) return;
      given = true;
      use.places -= 1;
      this.#closeWhenIdle(use);
    };
    try {
      return { hub: await use.opening, begin: () => stay.begin(), [Symbol.dispose]: giveBack };
    } catch (error) {
      giveBack();
      throw error;
    }
  }

  /**
   * `producer`, which is on the router `from`, on the router `to`.
   * @throws {WeirError} `unavailable`, `closed`
   */
  reach(producer: Producer, from: Hub, to: Hub): Promise<Lease> {
    return this.#pipes.reach(producer, from, to);
  }

  close(): void {
    this.#lifetime.end('closed');
  }

  #closeHubs(): void {
    for (const { idle } of this.#uses.values()) clearTimeout(idle);
    for (const hub of this.#open) hub.close();
  }

  #use(worker: MediaWorker): Use {
    const known = this.#uses.get(worker);
    if (known) return known;
    const use: Use = { opening: this.#openHub(worker), places: 0, idle: undefined };
    this.#uses.set(worker, use);
    const forget = () => {
      clearTimeout(use.idle);
      if (this.#uses.get(worker) === use) this.#uses.delete(worker);
    };
    use.opening.then((hub) => {
      hub.onEnd(forget);
      this.#closeWhenIdle(use);
    }, forget);
    return use;
  }

  /** Producers and consumers on a router belong to those who are placed there: without them nothing needs it. */
  #closeWhenIdle(use: Use): void {
    clearTimeout(use.idle);
    if (use.places > 0 || this.#lifetime.closed) return;
    use.idle = setTimeout(() => {
      use.opening.then(
        (hub) => use.places === 0 && hub.close(),
        () => {},
      );
    }, this.#linger);
  }

  async #openHub(worker: MediaWorker): Promise<Hub> {
    const hub = await Hub.open(worker);
    this.#open.add(hub);
    hub.onEnd((reason) => {
      this.#open.delete(hub);
      if (reason === 'mediaLost' && this.#open.size === 0) this.#lifetime.end('mediaLost');
    });
    if (this.#lifetime.closed) {
      hub.close();
      throw new WeirError('closed', 'The room closed.');
    }
    return hub;
  }
}
