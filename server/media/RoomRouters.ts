/** Owns what a room's media runs on: a router on each worker that it needs, made on demand, and the pipes between them. */
import type { Producer } from 'mediasoup/types';
import { WeirError } from '../../shared/errors.ts';
import { Lifetime } from '../Lifetime.ts';
import type { MediaWorker } from './MediaWorker.ts';
import { type Lease, ProducerPipes } from './ProducerPipes.ts';
import { RoomRouter } from './RoomRouter.ts';
import type { LoadReservation } from './WorkerLoad.ts';
import type { WorkerPool } from './WorkerPool.ts';

/** Where somebody's media comes in; dispose of it when they leave. */
export interface Placement extends LoadReservation {
  readonly router: RoomRouter;
}

/** How long a router is kept that nobody's media comes in at, in milliseconds: people come back, and others come. */
const LINGER = 5000;

export interface RoomRoutersOptions {
  /** Instead of five seconds, in milliseconds. */
  readonly linger?: number | undefined;
}

/** The router on one worker, from the moment that it is asked for, and how many are placed there. */
interface Use {
  readonly opening: Promise<RoomRouter>;
  placements: number;
  idle: NodeJS.Timeout | undefined;
}

export class RoomRouters {
  readonly #pool: WorkerPool;
  readonly #linger: number;
  readonly #uses = new Map<MediaWorker, Use>();
  readonly #open = new Set<RoomRouter>();
  readonly #pipes = new ProducerPipes();
  readonly #lifetime = new Lifetime<'closed' | 'mediaLost'>();

  private constructor(pool: WorkerPool, { linger = LINGER }: RoomRoutersOptions) {
    this.#pool = pool;
    this.#linger = linger;
    this.#lifetime.defer(() => this.#closeRouters());
    this.#lifetime.defer(() => this.#pipes.close());
  }

  /** @throws {WeirError} `unavailable` while no worker runs, `busy` while all have enough to do */
  static async open(pool: WorkerPool, options: RoomRoutersOptions = {}): Promise<RoomRouters> {
    const fabric = new RoomRouters(pool, options);
    await fabric.#use(pool.selectForRoom()).opening;
    return fabric;
  }

  /** Runs `listener` once it has ended: `mediaLost` when all of its workers have. */
  onEnd(listener: (reason: 'closed' | 'mediaLost') => void): void {
    this.#lifetime.defer(listener);
  }

  /** The routers that the room has now. */
  get routers(): readonly RoomRouter[] {
    return [...this.#open];
  }

  /**
   * A place for somebody who comes in: on one of the room's routers, unless their workers have enough to do. A router on
   * which nobody has had a place for a while closes.
   * @param waits nothing is sent to them yet: `begin()` says when
   * @throws {WeirError} `unavailable`, `closed`
   */
  async place(waits = false): Promise<Placement> {
    const own = this.routers.map((hub) => hub.worker);
    const { worker, stay } = this.#pool.selectForPeer(own, waits);
    const use = this.#use(worker);
    use.placements += 1;
    clearTimeout(use.idle);
    let given = false;
    const giveBack = () => {
      stay[Symbol.dispose]();
      if (given) return;
      given = true;
      use.placements -= 1;
      this.#closeWhenIdle(use);
    };
    try {
      return { router: await use.opening, activate: () => stay.activate(), [Symbol.dispose]: giveBack };
    } catch (error) {
      giveBack();
      throw error;
    }
  }

  /**
   * `producer`, which is on the router `from`, on the router `to`.
   * @throws {WeirError} `unavailable`, `closed`
   */
  acquire(producer: Producer, from: RoomRouter, to: RoomRouter): Promise<Lease> {
    return this.#pipes.acquire(producer, from, to);
  }

  close(): void {
    this.#lifetime.end('closed');
  }

  #closeRouters(): void {
    for (const { idle } of this.#uses.values()) clearTimeout(idle);
    for (const hub of this.#open) hub.close();
  }

  #use(worker: MediaWorker): Use {
    const known = this.#uses.get(worker);
    if (known) return known;
    const use: Use = { opening: this.#openRouter(worker), placements: 0, idle: undefined };
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
    if (use.placements > 0 || this.#lifetime.closed) return;
    use.idle = setTimeout(() => {
      use.opening.then(
        (hub) => use.placements === 0 && hub.close(),
        () => {},
      );
    }, this.#linger);
  }

  async #openRouter(worker: MediaWorker): Promise<RoomRouter> {
    const hub = await RoomRouter.open(worker);
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
