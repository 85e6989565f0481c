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

export class Fabric {
  readonly #pool: WorkerPool;
  readonly #hubs = new Map<MediaWorker, Promise<Hub>>();
  readonly #open = new Set<Hub>();
  readonly #pipes = new Pipes();
  readonly #lifetime = new Lifetime<'closed' | 'mediaLost'>();

  private constructor(pool: WorkerPool) {
    this.#pool = pool;
    this.#lifetime.defer(() => this.#closeHubs());
    this.#lifetime.defer(() => this.#pipes.close());
  }

  /** @throws {WeirError} `unavailable` while no worker runs, `busy` while all have enough to do */
  static async open(pool: WorkerPool): Promise<Fabric> {
    const fabric = new Fabric(pool);
    await fabric.#obtain(pool.pick());
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
   * A place for somebody who comes in: on one of the room's routers, unless their workers have enough to do.
   * @param waits nothing is sent to them yet: `begin()` says when
   * @throws {WeirError} `unavailable`, `closed`
   */
  async place(waits = false): Promise<Place> {
    const own = this.hubs.map((hub) => hub.worker);
    const { worker, stay } = this.#pool.place(own, waits);
    try {
      return {
        hub: await this.#obtain(worker),
        begin: () => stay.begin(),
        [Symbol.dispose]: () => stay[Symbol.dispose](),
      };
    } catch (error) {
      stay[Symbol.dispose]();
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
    for (const hub of this.#open) hub.close();
  }

  #obtain(worker: MediaWorker): Promise<Hub> {
    const known = this.#hubs.get(worker);
    if (known) return known;
    const opening = this.#openHub(worker);
    this.#hubs.set(worker, opening);
    const forget = () => this.#hubs.delete(worker);
    opening.then((hub) => hub.onEnd(forget), forget);
    return opening;
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
