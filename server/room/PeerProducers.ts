/** What one peer publishes: at most one mediasoup producer per source, as long as the peer's grants allow it. */
import { WeirError } from '../../shared/errors.ts';
import { kindOf, type RtpParameters, type Source } from '../../shared/media.ts';
import type { Grants, ServerEvents, SourceStates } from '../../shared/protocol.ts';
import { mayPublish } from '../../shared/roles.ts';
import type { Size } from '../media/layers.ts';
import type { RoomRouter } from '../media/RoomRouter.ts';
import type { EventSink } from './EventSink.ts';
import type { LayerLinger } from './LayerDemand.ts';
import { mapMediasoupError } from './mapMediasoupError.ts';
import type { PeerTransports } from './PeerTransports.ts';
import type { Publication } from './Publication.ts';
import { PublishedTrack } from './PublishedTrack.ts';

export interface PeerProducersOptions {
  readonly peerId: string;
  readonly grants: Grants;
  readonly router: RoomRouter;
  readonly transports: PeerTransports;
  /** Least time between two key-frame requests for one of its SSRCs, in milliseconds. */
  readonly keyFrameRequestDelay: number;
  /** As `LayerDemand` takes it. */
  readonly layerLinger?: LayerLinger | undefined;
  /** Is sent `subscribedLayers`. */
  readonly sink: EventSink;
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
  readonly #published = new Map<Source, PublishedTrack>();
  /** Sources whose producer the worker is creating. */
  readonly #producing = new Set<Source>();

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

  /** The layers of each video that are to be sent, as the client was last notified. */
  get subscribedLayers(): ServerEvents['subscribedLayers'][] {
    return [...this.#published]
      .filter(([, { publication }]) => publication.track.kind === 'video')
      .map(([source, { demandedLayer }]) => ({ source, maxSpatialLayer: demandedLayer }));
  }

  /** Closes the producers of all sources that may no longer be published. */
  setGrants(grants: Grants): void {
    this.#grants = grants;
    for (const [source, published] of this.#published) if (!mayPublish(grants, source)) published.close();
  }

  /** @throws {WeirError} `forbidden`, `conflict`, `notFound` (no sending transport), `badRequest`, `closed` */
  async produce(
    source: Source,
    rtpParameters: RtpParameters,
    { paused, ...shape }: ProduceOptions,
  ): Promise<Publication> {
    this.#assertMayPublish(source);
    const { peerId, router, transports, keyFrameRequestDelay, layerLinger, sink } = this.#options;
    const transport = transports.get('send');
    if (!transport) throw new WeirError('notFound', 'You have no sending transport: ask for one first.');
    if (this.#published.has(source) || this.#producing.has(source)) {
      throw new WeirError('conflict', `You publish ${source} already.`);
    }
    const kind = kindOf[source];
    if (rtpParameters.codecs.some(({ mimeType }) => !mimeType.toLowerCase().startsWith(`${kind}/`))) {
      throw new WeirError('badRequest', `${source} takes ${kind} codecs only.`);
    }
    this.#producing.add(source);
    const producer = await mapMediasoupError(
      transport.produce({ kind, rtpParameters, paused, keyFrameRequestDelay }),
      'These RTP parameters were not accepted.',
    ).finally(() => this.#producing.delete(source));
    try {
      this.#assertMayPublish(source);
      // mediasoup does not close a producer whose transport has closed while the worker was creating it.
      if (transport.closed || producer.closed) throw new WeirError('closed');
    } catch (error) {
      producer.close();
      throw error;
    }
    const published = new PublishedTrack({ peerId, source, producer, router, layerLinger, ...shape });
    const { publication } = published;
    this.#published.set(source, published);
    publication.onEnd(() => this.#published.delete(source));
    if (kind === 'video') {
      published.onDemandedLayer((maxSpatialLayer) => sink.notify('subscribedLayers', { source, maxSpatialLayer }));
    }
    return publication;
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
  }

  /** @throws {WeirError} `forbidden` */
  #assertMayPublish(source: Source): void {
    if (!mayPublish(this.#grants, source)) throw new WeirError('forbidden', `You may not publish ${source} here.`);
  }

  /** @throws {WeirError} `notFound` */
  #requirePublished(source: Source): PublishedTrack {
    const published = this.#published.get(source);
    if (!published) throw new WeirError('notFound', `You do not publish ${source}.`);
    return published;
  }
}
