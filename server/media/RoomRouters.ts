/**
 * The routers of one room: one on each worker that the room needs, opened on demand, and the way to a track on any of
 * them.
 */
import type { Producer, Router } from 'mediasoup/types';
import { WeirError } from '../../shared/errors.ts';
import { Lifetime } from '../common/Lifetime.ts';
import type { MediaWorker } from './MediaWorker.ts';
import { ProducerPipes } from './ProducerPipes.ts';
import { RoomRouter } from './RoomRouter.ts';
import type { Track } from './Track.ts';
import type { LoadReservation } from './WorkerLoad.ts';
import type { WorkerPool } from './WorkerPool.ts';

/** The router on which a peer's media arrives; dispose of it when the peer leaves. */
export interface Placement extends LoadReservation {
  readonly router: RoomRouter;
  /** Runs `listener` once the worker has died, or now if the router has ended; one listener, until it is disposed of. */
  onLost(listener: () => void): void;
}

/** The media of a track on one router; dispose of it when it is no longer needed. */
export interface Lease extends Disposable {
  readonly producer: Producer;
  /** The router that `producer` is on. */
  readonly router: Router;
}

/** How long a router without placements is kept by default, in milliseconds: peers come back, and others join. */
const LINGER = 5000;

export interface RoomRoutersOptions {
  /** How long a router without placements is kept, in milliseconds; 5 s by default. */
  readonly linger?: number | undefined;
}

/** The router on one worker, from the moment that it is requested, and the peers that are placed there. */
interface RouterUse {
  readonly opening: Promise<RoomRouter>;
  readonly placements: Set<{ onLost: (() => void) | undefined }>;
  /** The router has ended, or did not open. */
  ended: boolean;
  lingerTimer: NodeJS.Timeout | undefined;
}

export class RoomRouters {
  readonly #pool: WorkerPool;
  readonly #linger: number;
  readonly #uses = new Map<MediaWorker, RouterUse>();
  /** By id. */
  readonly #open = new Map<string, RoomRouter>();
  readonly #pipes = new ProducerPipes<Producer, RoomRouter>({ open: (producer, from, to) => from.pipe(producer, to) });
  readonly #lifetime = new Lifetime<'closed' | 'mediaLost'>();

  private constructor(pool: WorkerPool, { linger = LINGER }: RoomRoutersOptions) {
    this.#pool = pool;
    this.#linger = linger;
    this.#lifetime.defer(() => this.#closeRouters());
    this.#lifetime.defer(() => this.#pipes.close());
  }

  /** @throws {WeirError} `unavailable` while no worker runs, `busy` while all workers are fully utilized */
  static async open(pool: WorkerPool, options: RoomRoutersOptions = {}): Promise<RoomRouters> {
    const routers = new RoomRouters(pool, options);
    await routers.#use(pool.selectForRoom()).opening;
    return routers;
  }

  /** Runs `listener` once it has ended: `mediaLost` when the workers of all its routers have died. */
  onEnd(listener: (reason: 'closed' | 'mediaLost') => void): void {
    this.#lifetime.defer(listener);
  }

  /** The routers that the room has now. */
  get routers(): readonly RoomRouter[] {
    return [...this.#open.values()];
  }

  /**
   * Places a peer on one of the room's routers, or on another worker when those of the room are too utilized. A router
   * without placements closes after a while.
   * @param waits nothing is sent to the peer before `activate()`
   * @throws {WeirError} `unavailable`, `closed`
   */
  async place(waits = false): Promise<Placement> {
    const own = this.routers.map((router) => router.worker);
    const { worker, reservation } = this.#pool.selectForPeer(own, waits);
    const use = this.#use(worker);
    const placement: { onLost: (() => void) | undefined } = { onLost: undefined };
    use.placements.add(placement);
    clearTimeout(use.lingerTimer);
    const release = () => {
      reservation[Symbol.dispose]();
      if (use.placements.delete(placement)) this.#closeWhenIdle(use);
    };
    try {
      const router = await use.opening;
      return {
        router,
        activate: () => reservation.activate(),
        onLost(listener) {
          if (router.closed) listener();
          else placement.onLost = listener;
        },
        [Symbol.dispose]: release,
      };
    } catch (error) {
      release();
      throw error;
    }
  }

  /**
   * The media of a track on the router `to`: the producer that receives it, or the end of a pipe that all who need the
   * track there share.
   * @param to by default the router that the track arrives on
   * @throws {WeirError} `unavailable` when a worker fails meanwhile, `closed` when the track or a router has ended
   */
  async acquire({ id, location }: Track, to?: RoomRouter): Promise<Lease> {
    const from = location && this.#open.get(location.routerId);
    const producer = from?.producer(id);
    if (!from || !producer) throw new WeirError('closed');
    const { router } = to ?? from;
    const lease = await this.#pipes.acquire(producer, from, to ?? from);
    return { producer: lease.producer, router, [Symbol.dispose]: () => lease[Symbol.dispose]() };
  }

  close(): void {
    this.#lifetime.end('closed');
  }

  #closeRouters(): void {
    for (const { lingerTimer } of this.#uses.values()) clearTimeout(lingerTimer);
    for (const router of this.#open.values()) router.close();
  }

  #use(worker: MediaWorker): RouterUse {
    const known = this.#uses.get(worker);
    if (known) return known;
    const use: RouterUse = {
      opening: this.#openRouter(worker),
      placements: new Set(),
      ended: false,
      lingerTimer: undefined,
    };
    this.#uses.set(worker, use);
    use.opening.then(
      (router) => {
        router.onEnd((reason) => this.#onRouterEnd(use, router, reason));
        this.#closeWhenIdle(use);
      },
      () => this.#remove(worker, use),
    );
    return use;
  }

  /** Producers and consumers of a router belong to the peers that are placed there: without placements it is unused. */
  #closeWhenIdle(use: RouterUse): void {
    clearTimeout(use.lingerTimer);
    if (use.placements.size > 0 || use.ended || this.#lifetime.closed) return;
    use.lingerTimer = setTimeout(() => {
      use.opening.then(
        (router) => use.placements.size === 0 && router.close(),
        () => {},
      );
    }, this.#linger);
  }

  async #openRouter(worker: MediaWorker): Promise<RoomRouter> {
    const router = await RoomRouter.open(worker);
    if (this.#lifetime.closed) {
      router.close();
      throw new WeirError('closed', 'The room closed.');
    }
    this.#open.set(router.id, router);
    return router;
  }

  #onRouterEnd(use: RouterUse, router: RoomRouter, reason: 'closed' | 'mediaLost'): void {
    this.#open.delete(router.id);
    this.#remove(router.worker, use);
    if (reason === 'closed') return;
    // The room first: those in it then end together, and are not notified of each other's end.
    if (this.#open.size === 0) this.#lifetime.end('mediaLost');
    for (const { onLost } of use.placements) onLost?.();
  }

  #remove(worker: MediaWorker, use: RouterUse): void {
    use.ended = true;
    clearTimeout(use.lingerTimer);
    if (this.#uses.get(worker) === use) this.#uses.delete(worker);
  }
}
