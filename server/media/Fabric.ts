/** Owns what a room's media runs on: its router, on the worker that was picked for it. */
import type { Router, WebRtcTransport } from 'mediasoup/types';
import { WeirError } from '../../shared/errors.ts';
import type { TransportInfo } from '../../shared/media.ts';
import { Lifetime } from '../Lifetime.ts';
import type { MediaWorker } from './MediaWorker.ts';
import type { WorkerPool } from './WorkerPool.ts';

export class Fabric {
  readonly #worker: MediaWorker;
  readonly #lifetime = new Lifetime<'closed' | 'mediaLost'>();
  readonly #transports = new Set<WebRtcTransport>();
  readonly router: Router;

  private constructor(worker: MediaWorker, router: Router) {
    this.#worker = worker;
    this.router = router;
    this.#lifetime.defer(() => router.close());
    // Before the router: a WebRtcServer never hears of transports that a router closes, and would keep them for ever.
    this.#lifetime.defer(() => this.#closeTransports());
    router.once('workerclose', () => this.#lifetime.end('mediaLost'));
  }

  /** @throws {WeirError} `unavailable` while no worker runs */
  static async open(pool: WorkerPool): Promise<Fabric> {
    const worker = pool.pick();
    return new Fabric(worker, await available(worker.createRouter()));
  }

  /** Runs `listener` once it has ended: `mediaLost` when its worker did. */
  onEnd(listener: (reason: 'closed' | 'mediaLost') => void): void {
    this.#lifetime.defer(listener);
  }

  /** @throws {WeirError} `unavailable` when the worker fails meanwhile */
  async createTransport(): Promise<WebRtcTransport> {
    const transport = await available(this.#worker.createTransport(this.router));
    this.#transports.add(transport);
    transport.observer.once('close', () => this.#transports.delete(transport));
    return transport;
  }

  /** What a client needs in order to make its end of `transport`. */
  describe(transport: WebRtcTransport): TransportInfo {
    return {
      transportId: transport.id,
      iceParameters: transport.iceParameters,
      iceCandidates: this.#worker.candidatesOf(transport),
      dtlsParameters: transport.dtlsParameters,
    };
  }

  close(): void {
    this.#lifetime.end('closed');
  }

  #closeTransports(): void {
    for (const transport of this.#transports) transport.close();
  }
}

/** A worker that fails is nothing that its user could have done better: trying again helps. */
async function available<T>(call: Promise<T>): Promise<T> {
  try {
    return await call;
  } catch (cause) {
    throw new WeirError('unavailable', undefined, { cause });
  }
}
