/** Owns a room's router on one worker, and the transports of those whose media comes in there. */
import type { Router, WebRtcTransport } from 'mediasoup/types';
import type { TransportInfo } from '../../shared/media.ts';
import { Lifetime } from '../Lifetime.ts';
import type { MediaWorker } from './MediaWorker.ts';
import { rethrowUnavailable } from './rethrowUnavailable.ts';

export class RoomRouter {
  readonly router: Router;
  readonly worker: MediaWorker;
  readonly #lifetime = new Lifetime<'closed' | 'mediaLost'>();
  readonly #transports = new Set<WebRtcTransport>();

  private constructor(worker: MediaWorker, router: Router) {
    this.worker = worker;
    this.router = router;
    this.#lifetime.defer(() => router.close());
    // Before the router: a WebRtcServer never hears of transports that a router closes, and would keep them for ever.
    this.#lifetime.defer(() => this.#closeTransports());
    router.once('workerclose', () => this.#lifetime.end('mediaLost'));
  }

  /** @throws {WeirError} `unavailable` when the worker fails meanwhile */
  static async open(worker: MediaWorker): Promise<RoomRouter> {
    return new RoomRouter(worker, await rethrowUnavailable(worker.createRouter()));
  }

  get closed(): boolean {
    return this.#lifetime.closed;
  }

  /** Runs `listener` once it has ended: `mediaLost` when its worker did. */
  onEnd(listener: (reason: 'closed' | 'mediaLost') => void): void {
    this.#lifetime.defer(listener);
  }

  /** @throws {WeirError} `unavailable` when the worker fails meanwhile */
  async createTransport(): Promise<WebRtcTransport> {
    const transport = await rethrowUnavailable(this.worker.createTransport(this.router));
    this.#transports.add(transport);
    transport.observer.once('close', () => this.#transports.delete(transport));
    return transport;
  }

  /** What a client needs in order to make its end of `transport`. */
  describe(transport: WebRtcTransport): TransportInfo {
    return {
      transportId: transport.id,
      iceParameters: transport.iceParameters,
      iceCandidates: this.worker.candidatesOf(transport),
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
