/** Owns all media workers: starts them, replaces those that die, and picks one for a new room. */
import { randomInt } from 'node:crypto';
import type { Logger } from 'pino';
import { WeirError } from '../../shared/errors.ts';
import { type MediaListen, MediaWorker } from './MediaWorker.ts';
import type { LoadReservation } from './WorkerLoad.ts';

export interface WorkerPoolOptions {
  readonly count: number;
  readonly listen: MediaListen;
  /** Worker n listens on `firstPort + n`; 0 takes any free port for each. */
  readonly firstPort: number;
  /** How long a worker may take to answer before it is killed and replaced, in milliseconds. */
  readonly responseTimeout: number;
  readonly limits: LoadLimits;
  readonly log: Logger;
}

/** What a worker may have to do; all but `packets` are shares of it, 1 being as much as it can. */
export interface LoadLimits {
  /** Packets a second that a worker is full with. */
  readonly packets: number;
  /** A room goes on to another worker from here. */
  readonly spillover: number;
  /** No new room is opened from here, */
  readonly rooms: number;
  /** and whoever comes waits from here. */
  readonly peers: number;
}

/** A media port cannot be opened. */
export class MediaPortError extends Error {
  override readonly name = 'MediaPortError';
  readonly ip: string;
  readonly port: number;

  constructor(ip: string, port: number, cause: unknown) {
    super(
      `Media port ${port} (UDP and TCP on ${ip}) cannot be opened: choose another with WEIR_RTC_PORT, or 0 for any.`,
      {
        cause,
      },
    );
    this.ip = ip;
    this.port = port;
  }
}

/** Where a port is searched when any will do: below the range that systems hand out to clients. */
const ANY_PORT = { min: 10_000, max: 32_000, tries: 50 };
/** Seconds after which it makes sense to ask again where all workers have enough to do: the means are over ten. */
const BUSY_RETRY_AFTER = 10;
/** How full a worker is taken to be by a room that it has, whatever is going on there. */
const ROOM = 0.005;
/** Pause before a dead worker's place is filled again when it lived shorter than `young`, or did not start; milliseconds. */
const RESTART = { delay: 1000, young: 5000 };

export class WorkerPool {
  readonly #options: WorkerPoolOptions;
  readonly #workers = new Map<number, MediaWorker>();
  readonly #restarts = new Set<NodeJS.Timeout>();
  readonly #starting = new Set<Promise<void>>();
  #closed = false;

  private constructor(options: WorkerPoolOptions) {
    this.#options = options;
  }

  /** @throws {MediaPortError} or what kept a worker from starting; no worker is left behind */
  static async start(options: WorkerPoolOptions): Promise<WorkerPool> {
    const pool = new WorkerPool(options);
    const started = await Promise.allSettled(Array.from({ length: options.count }, (_, index) => pool.#start(index)));
    const failure = started.find((result) => result.status === 'rejected');
    if (failure) {
      await pool.close();
      throw failure.reason;
    }
    return pool;
  }

  get workers(): readonly MediaWorker[] {
    return [...this.#workers.values()];
  }

  /** Whether every worker is there. */
  get complete(): boolean {
    return !this.#closed && this.#workers.size === this.#options.count;
  }

  /** Whether there is a worker that can take one more. */
  get acceptsPeers(): boolean {
    return this.#free(this.#options.limits.peers);
  }

  /**
   * The worker for a new room: that with the least to do, of those that answer.
   * @throws {WeirError} `unavailable` while there is none, `busy` while all have enough to do
   */
  selectForRoom(): MediaWorker {
    const best = leastBusy(this.#responsiveWorkers(), []);
    if (!this.#free(this.#options.limits.rooms)) {
      throw new WeirError('busy', 'The server has no room for another room just now.', {
        retryAfter: BUSY_RETRY_AFTER,
      });
    }
    return best;
  }

  /**
   * The worker for a peer that joins a room: one of the room's, or another when those are utilized up to the spillover limit.
   * @param own the workers that the room has a router on
   * @param waits nothing is sent to the peer before `reservation.activate()`
   * @returns the worker, and a reservation on it to dispose of when the peer leaves
   * @throws {WeirError} `unavailable` while no worker runs
   */
  selectForPeer(own: readonly MediaWorker[], waits = false): { worker: MediaWorker; reservation: LoadReservation } {
    const responsive = this.#responsiveWorkers();
    const near = responsive.filter((one) => own.includes(one) && one.load.utilization < this.#options.limits.spillover);
    const worker = leastBusy(near.length > 0 ? near : responsive, own);
    return { worker, reservation: worker.load.reserve(waits) };
  }

  /** The workers that answer in time; all of them when none does. */
  #responsiveWorkers(): readonly MediaWorker[] {
    const responsive = this.workers.filter((worker) => worker.responsive);
    return responsive.length > 0 ? responsive : this.workers;
  }

  /** Whether a worker that runs is less full than that; without workers nobody is kept waiting, but told. */
  #free(limit: number): boolean {
    const { workers } = this;
    return workers.length === 0 || workers.some(({ load }) => load.utilization < limit);
  }

  /** Closes all workers and waits until their processes are gone. */
  async close(): Promise<void> {
    this.#closed = true;
    for (const timer of this.#restarts) clearTimeout(timer);
    this.#restarts.clear();
    await Promise.all(this.workers.map((worker) => worker.close()));
    // A replacement that is on its way closes itself when it finds the pool closed.
    await Promise.allSettled(this.#starting);
  }

  async #start(index: number): Promise<void> {
    const worker = await this.#listen(index);
    if (this.#closed) {
      await worker.close();
      return;
    }
    const since = performance.now();
    this.#workers.set(index, worker);
    worker.onEnd((reason) => {
      this.#workers.delete(index);
      if (reason !== 'died' || this.#closed) return;
      this.#options.log.error({ pid: worker.pid }, 'media worker died; starting another');
      if (performance.now() - since < RESTART.young) this.#restartLater(index);
      else this.#restart(index);
    });
  }

  #restart(index: number): void {
    const starting = this.#start(index).catch((error: unknown) => {
      this.#options.log.error({ err: error }, 'media worker did not start; trying again');
      this.#restartLater(index);
    });
    this.#starting.add(starting);
    void starting.finally(() => this.#starting.delete(starting));
  }

  #restartLater(index: number): void {
    if (this.#closed) return;
    const timer = setTimeout(() => {
      this.#restarts.delete(timer);
      this.#restart(index);
    }, RESTART.delay);
    this.#restarts.add(timer);
  }

  async #listen(index: number): Promise<MediaWorker> {
    const { firstPort, listen } = this.#options;
    const { responseTimeout, limits, log } = this.#options;
    const start = (port: number) => MediaWorker.start({ listen, port, responseTimeout, capacity: limits.packets, log });
    if (firstPort !== 0) {
      return start(firstPort + index).catch((error: unknown) => {
        throw isPortError(error) ? new MediaPortError(listen.ip, firstPort + index, error) : error;
      });
    }
    for (let left = ANY_PORT.tries; ; left -= 1) {
      const port = randomInt(ANY_PORT.min, ANY_PORT.max);
      try {
        return await start(port);
      } catch (error) {
        if (!isPortError(error)) throw error;
        // No other port makes an address this machine's.
        if (left === 0 || this.#closed || !isTaken(error)) throw new MediaPortError(listen.ip, port, error);
      }
    }
  }
}

/**
 * @param own whose routers are the room's that asks: of them it knows what they have to do
 * @throws {WeirError} `unavailable` for none
 */
function leastBusy([first, ...others]: readonly MediaWorker[], own: readonly MediaWorker[]): MediaWorker {
  if (!first) throw new WeirError('unavailable', 'No media worker is running right now; try again in a second.');
  // An open room promises that there will be something to do.
  const weight = (worker: MediaWorker) =>
    worker.load.utilization + (worker.routers - (own.includes(worker) ? 1 : 0)) * ROOM;
  return others.reduce((best, worker) => (weight(worker) < weight(best) ? worker : best), first);
}

/** As the media worker says that it cannot bind or listen. */
function isPortError(error: unknown): boolean {
  return error instanceof Error && /\b(port|bind|listen|address)\b|_bind|_listen/i.test(error.message);
}

function isTaken(error: unknown): boolean {
  return error instanceof Error && /address already in use/i.test(error.message);
}
