/** What one peer publishes: each source at most once, as long as the peer's grants allow it. */
import { WeirError } from '../../shared/errors.ts';
import { kindOf, type RtpParameters, type Source } from '../../shared/media.ts';
import type { Grants, RoomPolicy, ServerEvents, SourceModeration, SourceStates } from '../../shared/protocol.ts';
import { mayPublish } from '../../shared/roles.ts';
import type { Size } from '../media/layers.ts';
import type { ProducerTransport, RoomRouter } from '../media/RoomRouter.ts';
import { DirectPublishedTrack } from './DirectPublishedTrack.ts';
import type { EventSink } from './EventSink.ts';
import type { LayerLinger } from './LayerDemand.ts';
import { mapMediasoupError } from './mapMediasoupError.ts';
import type { Publication } from './Publication.ts';
import { type PublishedSource, PublishedTrack } from './PublishedTrack.ts';

/** The transports on which tracks of one peer arrive: one for all of them, or one for each. */
export interface SendingTransports {
  /** The one that `source` arrives on; undefined while there is none. */
  get(direction: 'send', source: Source): ProducerTransport | undefined;
}

export interface PeerProducersOptions {
  readonly peerId: string;
  readonly grants: Grants;
  /** Of the room. With `p2p` there are no producers. */
  readonly policy: RoomPolicy;
  readonly router: RoomRouter;
  readonly transports: SendingTransports;
  /** Least time between two key-frame requests for one of its SSRCs, in milliseconds. */
  readonly keyFrameRequestDelay: number;
  /** As `LayerDemand` takes it. */
  readonly layerLinger?: LayerLinger | undefined;
  /** Is sent `subscribedLayers`, `sourceMuted` and `sourceStopped`. */
  readonly sink: EventSink & { flush(): void };
  /** Whether its client can unmute what others have muted. */
  readonly unmutes: boolean;
}

/** How a track is published. */
export interface ProduceOptions {
  readonly paused: boolean;
  /** Of the highest spatial layer of a video, in pixels. */
  readonly size?: Size | undefined;
  /** How many spatial layers of a video are in use; all of them by default. */
  readonly layers?: number | undefined;
}

export class PeerProducers {
  readonly #options: PeerProducersOptions;
  #grants: Grants;
  readonly #published = new Map<Source, PublishedSource>();
  /** Sources that everybody receives directly who receives them. */
  #direct: ReadonlySet<Source> = new Set();
  /** Sources whose producer the worker is creating; each resolves when that is over. */
  readonly #producing = new Map<Source, Promise<unknown>>();
  /** By source that an administrator has muted, and its client has not unmuted since: that administrator's name. */
  readonly #muted = new Map<Source, string | undefined>();

  constructor(options: PeerProducersOptions) {
    this.#options = options;
    this.#grants = options.grants;
  }

  /** Which sources are published, and whether they are muted. */
  get sources(): SourceStates {
    const sources: SourceStates = {};
    for (const [source, { publication }] of this.#published) {
      sources[source] = publication.track.paused ? 'paused' : 'live';
    }
    return sources;
  }

  /** Whether its client can unmute what others have muted. */
  get unmutes(): boolean {
    return this.#options.unmutes;
  }

  /** What administrators have muted, and its client has not unmuted since. */
  get muted(): SourceModeration[] {
    return [...this.#muted].map(([source, by]) => ({ source, by }));
  }

  /** The layers that are to be sent to the server, of each video and of audio that is limited, as the client was last notified. */
  get subscribedLayers(): ServerEvents['subscribedLayers'][] {
    if (this.#options.policy === 'p2p') return [];
    return [...this.#published].flatMap(([source, { demandedLayer }]) => {
      if (kindOf[source] === 'video') return [{ source, maxSpatialLayer: demandedLayer }];
      return this.#direct.has(source) ? [{ source, maxSpatialLayer: -1 }] : [];
    });
  }

  /**
   * These sources are received directly by everybody who receives them: the server needs no audio of them. For videos that
   * follows from their demand.
   */
  setDirectSources(sources: ReadonlySet<Source>): void {
    const before = this.#direct;
    this.#direct = sources;
    for (const source of this.#published.keys()) {
      if (kindOf[source] !== 'audio' || sources.has(source) === before.has(source)) continue;
      const maxSpatialLayer = sources.has(source) ? -1 : 0;
      this.#options.sink.notify('subscribedLayers', { source, maxSpatialLayer });
    }
  }

  /** Closes the producers of all sources that may no longer be published. */
  setGrants(grants: Grants): void {
    this.#grants = grants;
    for (const [source, published] of this.#published) if (!mayPublish(grants, source)) published.close();
  }

  /**
   * @param rtpParameters undefined exactly where the policy of the room is `p2p`
   * @throws {WeirError} `forbidden`, `conflict`, `notFound` (no sending transport), `badRequest`, `closed`
   */
  async produce(
    source: Source,
    rtpParameters: RtpParameters | undefined,
    options: ProduceOptions,
  ): Promise<Publication> {
    this.#assertMayPublish(source);
    if (this.#published.has(source) || this.#producing.has(source)) {
      throw new WeirError('conflict', `You publish ${source} already.`);
    }
    const isDirect = this.#options.policy === 'p2p';
    if (isDirect && rtpParameters) {
      throw new WeirError('badRequest', 'Media goes directly in this room: publish without "rtpParameters".');
    }
    if (!isDirect && !rtpParameters) throw new WeirError('badRequest', '"rtpParameters" is missing.');
    if (rtpParameters) return this.#createProducer(source, rtpParameters, options);
    return this.#add(source, new DirectPublishedTrack({ peerId: this.#options.peerId, source, ...options }));
  }

  /** The track of a video has another size. @throws {WeirError} `notFound` */
  resize(source: Source, size: Size, layers?: number): void {
    this.#requirePublished(source).resize(size, layers);
  }

  /** The sending transport uses another path: packets that were sent over the former one are lost. */
  pathChanged(): void {
    for (const published of this.#published.values()) published.pathChanged();
  }

  /** @throws {WeirError} `notFound` */
  close(source: Source): void {
    this.#requirePublished(source).close();
  }

  /** Mutes a source. @throws {WeirError} `notFound`, `closed` */
  async pause(source: Source): Promise<void> {
    await mapMediasoupError(this.#requirePublished(source).pause(), 'This source cannot be paused.');
  }

  /** @throws {WeirError} `notFound`, `closed` */
  async resume(source: Source): Promise<void> {
    await mapMediasoupError(this.#requirePublished(source).resume(), 'This source cannot be resumed.');
    this.#muted.delete(source);
  }

  /**
   * An administrator mutes a source, also one that is being published; its client is notified.
   * @param by the administrator's name
   * @returns whether it was unmuted
   * @throws {WeirError} `notFound`, `closed`
   */
  async muteByAdmin(source: Source, by: string | undefined): Promise<boolean> {
    await this.#producing.get(source);
    const published = this.#requirePublished(source, 'This peer does not publish that.');
    if (published.publication.track.paused) return false;
    await mapMediasoupError(published.pause(), 'This source cannot be muted.');
    this.#muted.set(source, by);
    this.#options.sink.notify('sourceMuted', { source, by });
    // A request of the client to unmute that is executed after this has its reply after this event.
    this.#options.sink.flush();
    return true;
  }

  /**
   * An administrator stops a source, also one that is being published; its client is notified.
   * @param by the administrator's name
   * @throws {WeirError} `notFound`
   */
  async stopByAdmin(source: Source, by: string | undefined): Promise<void> {
    await this.#producing.get(source);
    const published = this.#requirePublished(source, 'This peer does not publish that.');
    const producerId = published.publication.track.id;
    published.close();
    this.#options.sink.notify('sourceStopped', { source, producerId, by });
  }

  /** @throws {WeirError} `forbidden`, `notFound` (no sending transport), `badRequest`, `closed` */
  async #createProducer(
    source: Source,
    rtpParameters: RtpParameters,
    { paused, ...shape }: ProduceOptions,
  ): Promise<Publication> {
    const { peerId, router, transports, keyFrameRequestDelay, layerLinger, sink } = this.#options;
    const transport = transports.get('send', source);
    if (!transport) throw new WeirError('notFound', 'You have no sending transport: ask for one first.');
    const kind = kindOf[source];
    if (rtpParameters.codecs.some(({ mimeType }) => !mimeType.toLowerCase().startsWith(`${kind}/`))) {
      throw new WeirError('badRequest', `${source} takes ${kind} codecs only.`);
    }
    const producing = Promise.withResolvers<void>();
    this.#producing.set(source, producing.promise);
    using _producing = {
      [Symbol.dispose]: () => {
        this.#producing.delete(source);
        // Whoever waits for it goes on after the reply, so that its client knows the producer.
        setImmediate(producing.resolve);
      },
    };
    const producer = await mapMediasoupError(
      transport.produce({ kind, rtpParameters, paused, keyFrameRequestDelay }),
      'These RTP parameters were not accepted.',
    );
    try {
      this.#assertMayPublish(source);
      // mediasoup does not close a producer whose transport has closed while the worker was creating it.
      if (transport.closed || producer.closed) throw new WeirError('closed');
    } catch (error) {
      producer.close();
      throw error;
    }
    const published = new PublishedTrack({ peerId, source, producer, router, layerLinger, ...shape });
    const publication = this.#add(source, published);
    if (kind === 'video') {
      published.onDemandedLayer((maxSpatialLayer) => sink.notify('subscribedLayers', { source, maxSpatialLayer }));
    }
    return publication;
  }

  #add(source: Source, published: PublishedSource): Publication {
    const { publication } = published;
    this.#published.set(source, published);
    publication.onEnd(() => {
      this.#published.delete(source);
      this.#muted.delete(source);
    });
    return publication;
  }

  /** @throws {WeirError} `forbidden` */
  #assertMayPublish(source: Source): void {
    if (!mayPublish(this.#grants, source)) throw new WeirError('forbidden', `You may not publish ${source} here.`);
  }

  /** @throws {WeirError} `notFound` */
  #requirePublished(source: Source, message = `You do not publish ${source}.`): PublishedSource {
    const published = this.#published.get(source);
    if (!published) throw new WeirError('notFound', message);
    return published;
  }
}
