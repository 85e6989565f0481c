/** Opens the consumers of one peer: paused, of tracks on whichever router they arrive, and of audio slots. */
import type { RtpCapabilities } from '../../shared/media.ts';
import type { ConsumerInfo, UnsupportedCodec } from '../../shared/protocol.ts';
import type { SlotSource } from '../media/audio/SlotSource.ts';
import {
  type ConsumableProducer,
  ConsumerFactory,
  type ConsumerTransport,
  type MediaConsumer,
} from '../media/ConsumerFactory.ts';
import type { RoomRouter } from '../media/RoomRouter.ts';
import type { RoomRouters } from '../media/RoomRouters.ts';
import type { Publication } from './Publication.ts';
import { UnsupportedCodecs } from './UnsupportedCodecs.ts';

/** What a peer's client is notified of. */
export interface SubscriptionEvents {
  consumerOpened(info: ConsumerInfo): void;
  consumerClosed(consumerId: string): void;
  unsupportedCodec(what: UnsupportedCodec): void;
}

export interface OpenedConsumer {
  readonly consumer: MediaConsumer;
  /** What the consumer is made from; to be disposed of when the consumer has closed. */
  readonly lease: Disposable;
}

export interface ConsumerOpenerOptions {
  readonly transport: ConsumerTransport;
  /** The router that `transport` is on. */
  readonly router: RoomRouter;
  readonly routers: Pick<RoomRouters, 'acquire'>;
  readonly rtpCapabilities: RtpCapabilities;
  /** As `ConsumerFactory` takes it. */
  readonly mid?: string | undefined;
  readonly events: Pick<SubscriptionEvents, 'unsupportedCodec'>;
}

export class ConsumerOpener {
  readonly #options: ConsumerOpenerOptions;
  readonly #factory: ConsumerFactory;
  readonly #unsupported: UnsupportedCodecs;

  constructor(options: ConsumerOpenerOptions) {
    this.#options = options;
    this.#factory = new ConsumerFactory(options.rtpCapabilities, options.mid);
    this.#unsupported = new UnsupportedCodecs((what) => options.events.unsupportedCodec(what));
  }

  /** The tracks that the client cannot decode, of those that it has been offered. */
  get unsupportedCodecs(): UnsupportedCodec[] {
    return this.#unsupported.all;
  }

  /** Whether the client has a codec for this track; it is notified once if not. */
  supports(publication: Publication): boolean {
    if (this.#factory.canConsume(publication.track)) return true;
    this.#unsupported.add(publication);
    return false;
  }

  /**
   * A paused consumer of a track; undefined where the track or the peer's transport has ended meanwhile, or the client
   * cannot decode it, of which it is notified.
   * @param spatialLayer the highest layer that is of use, from 0; all of them by default
   * @throws {WeirError} `unavailable`, `closed`; what mediasoup throws
   */
  async open(publication: Publication, spatialLayer?: number): Promise<OpenedConsumer | undefined> {
    const { transport, routers, router } = this.#options;
    const lease = await routers.acquire(publication.track, router);
    try {
      const consumer = await this.#factory.consume(transport, lease.producer, spatialLayer);
      // mediasoup adds a consumer to a transport that has closed while the worker answered.
      if (consumer && transport.closed) consumer.close();
      // The producer, which takes the consumer with it, may have closed as well.
      if (consumer && !consumer.closed && !publication.closed) return { consumer, lease };
      if (!consumer && !transport.closed) this.#unsupported.add(publication);
    } catch (error) {
      lease[Symbol.dispose]();
      throw error;
    }
    lease[Symbol.dispose]();
    return undefined;
  }

  /**
   * The producers of audio slots on the peer's router, by slot.
   * @throws {WeirError} `closed` when the slots have closed; what mediasoup throws
   */
  slotProducers(slots: Pick<SlotSource, 'producersOn'>): Promise<readonly ConsumableProducer[]> {
    return slots.producersOn(this.#options.router.router);
  }

  /**
   * A paused consumer of one of the `slotProducers`; undefined where the client cannot decode it.
   * @throws what mediasoup throws
   */
  openSlot(producer: ConsumableProducer): Promise<MediaConsumer | undefined> {
    return this.#factory.consume(this.#options.transport, producer);
  }

  /** Removes what the client could not decode: it is notified again when it is offered the same again. */
  clearUnsupported(): void {
    this.#unsupported.clear();
  }
}
