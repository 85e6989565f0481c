/** A room's router on one worker, with the transports and producers of the peers that are placed there. */
import type {
  PlainTransport,
  PlainTransportOptions,
  Producer,
  Router,
  Transport,
  WebRtcTransport,
} from 'mediasoup/types';
import { WeirError } from '../../shared/errors.ts';
import type { TransportInfo } from '../../shared/media.ts';
import { Lifetime } from '../common/Lifetime.ts';
import { DirectDataTransport } from './data/DirectDataTransport.ts';
import type { MediaWorker, TransportOptions } from './MediaWorker.ts';
import type { PipeEnds } from './ProducerPipes.ts';
import { rethrowUnavailable } from './rethrowUnavailable.ts';

/**
 * Bytes that the kernel may hold for a pipe: a key frame of every publisher at once. It grants what its limits allow.
 */
const SOCKET_BUFFER = 4 * 1024 * 1024;

/** What is used of a mediasoup transport in order to receive tracks on it. */
export type ProducerTransport = Pick<Transport, 'closed' | 'produce'>;

export class RoomRouter {
  readonly router: Router;
  readonly worker: MediaWorker;
  readonly #lifetime = new Lifetime<'closed' | 'mediaLost'>();
  readonly #transports = new Set<WebRtcTransport>();
  readonly #producers = new Map<string, Producer>();
  #directData: Promise<DirectDataTransport> | undefined;

  private constructor(worker: MediaWorker, router: Router) {
    this.worker = worker;
    this.router = router;
    this.#lifetime.defer(() => router.close());
    // Runs before `router.close()`: a WebRtcServer is not notified of transports that a router closes, and would keep
    // them.
    this.#lifetime.defer(() => this.#closeTransports());
    router.once('workerclose', () => this.#lifetime.end('mediaLost'));
  }

  /** @throws {WeirError} `unavailable` when the worker fails meanwhile */
  static async open(worker: MediaWorker): Promise<RoomRouter> {
    return new RoomRouter(worker, await rethrowUnavailable(worker.createRouter()));
  }

  get id(): string {
    return this.router.id;
  }

  get closed(): boolean {
    return this.#lifetime.closed;
  }

  /** Runs `listener` once it has ended: `mediaLost` when its worker died. */
  onEnd(listener: (reason: 'closed' | 'mediaLost') => void): void {
    this.#lifetime.defer(listener);
  }

  /** @throws {WeirError} `unavailable` when the worker fails meanwhile */
  async createTransport(options: TransportOptions = {}): Promise<WebRtcTransport> {
    const transport = await rethrowUnavailable(this.worker.createTransport(this.router, options));
    this.#transports.add(transport);
    transport.observer.once('close', () => this.#transports.delete(transport));
    return transport;
  }

  /**
   * A transport for plain RTP, on UDP ports of its own; it closes with the router.
   * @throws what mediasoup throws, such as when a port is taken
   */
  createPlainTransport(options: PlainTransportOptions): Promise<PlainTransport> {
    return this.router.createPlainTransport(options);
  }

  /** Where the data messages of its clients arrive in Node.js, opened once. @throws as `DirectDataTransport.open` */
  directData(): Promise<DirectDataTransport> {
    this.#directData ??= DirectDataTransport.open(this.router).catch((error: unknown) => {
      this.#directData = undefined;
      throw error;
    });
    return this.#directData;
  }

  /** What a client needs to create its end of `transport`. */
  describe(transport: WebRtcTransport): TransportInfo {
    return {
      transportId: transport.id,
      iceParameters: transport.iceParameters,
      iceCandidates: this.worker.iceCandidates,
      dtlsParameters: transport.dtlsParameters,
      ...(transport.sctpParameters && { sctpParameters: transport.sctpParameters }),
    };
  }

  /** Makes a producer that receives a track on this router known to `producer()`, until it closes. */
  addProducer(producer: Producer): void {
    if (producer.closed) return;
    this.#producers.set(producer.id, producer);
    producer.observer.once('close', () => this.#producers.delete(producer.id));
  }

  /** The producer that receives the track of that id on this router, if there is one. */
  producer(trackId: string): Producer | undefined {
    return this.#producers.get(trackId);
  }

  /**
   * Opens a pipe for a producer of this router.
   * @throws {WeirError} `unavailable` when a worker fails meanwhile, `closed` when the producer ends
   */
  async pipe(producer: Producer, to: RoomRouter): Promise<PipeEnds<Producer>> {
    const { pipeConsumer, pipeProducer } = await rethrowUnavailable(
      this.router.pipeToRouter({
        producerId: producer.id,
        router: to.router,
        enableRtx: true,
        enableSctp: false,
        listenInfo: {
          protocol: 'udp',
          ip: '127.0.0.1',
          sendBufferSize: SOCKET_BUFFER,
          recvBufferSize: SOCKET_BUFFER,
        },
      }),
    );
    if (!pipeConsumer || !pipeProducer) throw new WeirError('unavailable');
    return { consumer: pipeConsumer, producer: pipeProducer };
  }

  close(): void {
    this.#lifetime.end('closed');
  }

  #closeTransports(): void {
    for (const transport of this.#transports) transport.close();
  }
}
