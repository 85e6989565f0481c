/** All media workers: starts them, replaces those that die, and selects one for each room and peer. */
import { randomInt } from 'node:crypto';
import type { Logger } from 'pino';
import { WeirError } from '../../shared/errors.ts';
import { type MediaListen, MediaWorker } from './MediaWorker.ts';
import type { LoadReservation } from './WorkerLoad.ts';

export interface WorkerPoolOptions {
  readonly count: number;
  readonly listen: MediaListen;
  /** Worker n listens on `firstPort + n`; with 0, each on any free port. */
  readonly firstPort: number;
  /** How long a worker may take to answer before it is killed and replaced, in milliseconds. */
  readonly responseTimeout: number;
  readonly limits: LoadLimits;
  readonly log: Logger;
}

/** How much a worker is to do. All but `packets` are utilizations, 1 being as much as it can. */
export interface LoadLimits {
  /** Packets per second at which a worker counts as fully utilized. */
  readonly packets: number;
  /** From here on a room spills over to another worker, */
  readonly spillover: number;
  /** no new room is opened, */
  readonly rooms: number;
  /** and peers that join have to wait. */
  readonly peers: number;
}

/** A media port cannot be opened. */
export class MediaPortError extends Error {
  override readonly name = 'MediaPortError';
  /** The addresses on which it is to listen; it may be any of them. */
  readonly ips: readonly string[];
  readonly port: number;

  constructor(ips: readonly string[], port: number, cause: unknown) {
    super(
      `Media port ${port} (UDP and TCP on ${ips.join(', ')}) cannot be opened: choose another with WEIR_RTC_PORT, or 0 for any.`,
      {
        cause,
      },
    );
    this.ips = ips;
    this.port = port;
  }
}

/** @param number of the worker, from 0; one that replaces another has the same */
export type WorkerListener = (worker: MediaWorker, number: number) => void;

/** The range in which any free port is searched: below the one that systems use for outgoing connections. */
const ANY_PORT = { min: 10_000, max: 32_000, tries: 50 };
/**
 * Seconds after which it makes sense to try again when all workers are too utilized: utilization is a mean over ten.
 */
const BUSY_RETRY_AFTER = 10;
/** Utilization that each open room of a worker counts as when workers are compared, whatever is happening there. */
const ROOM_UTILIZATION = 0.005;
/** A worker that died within `young` milliseconds of its start, or did not start, is replaced after a delay. */
const RESTART = { delay: 1000, young: 5000 };

export class WorkerPool {
  readonly #options: WorkerPoolOptions;
  readonly #workers = new Map<number, MediaWorker>();
  readonly #workerListeners = new Set<WorkerListener>();
  readonly #restarts = new Set<NodeJS.Timeout>();
  readonly #starting = new Set<Promise<void>>();
  #closed = false;

  private constructor(options: WorkerPoolOptions) {
    this.#options = options;
  }

  /** @throws {MediaPortError} or what keeps a worker from starting; no worker is left running */
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

  /** How many workers are to run. */
  get size(): number {
    return this.#options.count;
  }

  /** Runs `listener` for every worker that runs, and for each that starts later. @returns what removes it */
  onWorker(listener: WorkerListener): () => void {
    this.#workerListeners.add(listener);
    for (const [number, worker] of this.#workers) listener(worker, number);
    return () => this.#workerListeners.delete(listener);
  }

  /** Whether every worker runs. */
  get complete(): boolean {
    return !this.#closed && this.#workers.size === this.#options.count;
  }

  /** Whether a worker is below the limit for further peers. */
  get acceptsPeers(): boolean {
    return this.#hasWorkerBelow(this.#options.limits.peers);
  }

  /**
   * The worker for a new room: the least utilized one of those that answer.
   * @throws {WeirError} `unavailable` while no worker runs, `busy` while all are above the limit for further rooms
   */
  selectForRoom(): MediaWorker {
    const best = leastBusy(this.#responsiveWorkers(), []);
    if (!this.#hasWorkerBelow(this.#options.limits.rooms)) {
      throw new WeirError('busy', 'The server has no room for another room just now.', {
        retryAfter: BUSY_RETRY_AFTER,
      });
    }
    return best;
  }

  /**
   * The worker for a peer that joins a room: one of the room's, or another when those are utilized up to the spillover
   * limit.
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

  /** Whether a worker is utilized less than that. True without workers: peers then get an error instead of waiting. */
  #hasWorkerBelow(limit: number): boolean {
    const { workers } = this;
    return workers.length === 0 || workers.some(({ load }) => load.utilization < limit);
  }

  /** Closes all workers and waits until their processes are gone. */
  async close(): Promise<void> {
    this.#closed = true;
    for (const timer of this.#restarts) clearTimeout(timer);
    this.#restarts.clear();
    await Promise.all(this.workers.map((worker) => worker.close()));
    // A replacement that is starting closes itself when it finds the pool closed.
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
    for (const listener of this.#workerListeners) listener(worker, index);
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
        throw isPortError(error) ? new MediaPortError(listen.ips, firstPort + index, error) : error;
      });
    }
    for (let left = ANY_PORT.tries; ; left -= 1) {
      const port = randomInt(ANY_PORT.min, ANY_PORT.max);
      try {
        return await start(port);
      } catch (error) {
        if (!isPortError(error)) throw error;
        // An address that is not this machine's fails on every port.
        if (left === 0 || this.#closed || !isTaken(error)) throw new MediaPortError(listen.ips, port, error);
      }
    }
  }
}

/**
 * @param own workers on which the room has a router already: that one is not counted
 * @throws {WeirError} `unavailable` for none
 */
function leastBusy([first, ...others]: readonly MediaWorker[], own: readonly MediaWorker[]): MediaWorker {
  if (!first) throw new WeirError('unavailable', 'No media worker is running right now; try again in a second.');
  // An open room will cause load, even if it does not yet.
  const weight = (worker: MediaWorker) =>
    worker.load.utilization + (worker.routers - (own.includes(worker) ? 1 : 0)) * ROOM_UTILIZATION;
  return others.reduce((best, worker) => (weight(worker) < weight(best) ? worker : best), first);
}

/** Whether the media worker reports that it cannot bind or listen. */
function isPortError(error: unknown): boolean {
  return error instanceof Error && /\b(port|bind|listen|address)\b|_bind|_listen/i.test(error.message);
}

function isTaken(error: unknown): boolean {
  return error instanceof Error && /address already in use/i.test(error.message);
}
