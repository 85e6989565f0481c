/**
 * A track that a member of this server publishes: its producer, the publication that the room sees, and the layers to
 * send.
 */
import type { Producer } from 'mediasoup/types';
import type { Source } from '../../shared/media.ts';
import { DEFAULT_SIZE, type Size, spatialLayers } from '../media/layers.ts';
import type { RoomRouter } from '../media/RoomRouter.ts';
import { LayerDemand, type LayerLinger } from './LayerDemand.ts';
import { Publication } from './Publication.ts';

export interface PublishedTrackOptions {
  readonly peerId: string;
  readonly source: Source;
  readonly producer: Producer;
  /** The router that `producer` is on. */
  readonly router: RoomRouter;
  /** Of the highest spatial layer in use, in pixels. */
  readonly size?: Size | undefined;
  /** How many of its spatial layers are in use; all of them by default. */
  readonly layers?: number | undefined;
  /** As `LayerDemand` takes it. */
  readonly layerLinger?: LayerLinger | undefined;
}

/** A source that a member of this server publishes. */
export interface PublishedSource {
  readonly publication: Publication;
  /** The highest spatial layer of a video that is to be sent; -1 for none. */
  readonly demandedLayer: number;
  /**
   * The video has another size.
   * @param layers how many of its spatial layers are in use for that; all of them by default
   */
  resize(size: Size, layers?: number): void;
  /** Its packets take another network path now; those that took the former one are lost. */
  pathChanged(): void;
  /** @throws what mediasoup throws, such as when the producer has closed */
  pause(): Promise<void>;
  /** @throws what mediasoup throws, such as when the producer has closed */
  resume(): Promise<void>;
  close(): void;
}

export class PublishedTrack implements PublishedSource {
  readonly publication: Publication;
  readonly #producer: Producer;
  /** Spatial layers that its encodings have, in use or not; 1 for audio. */
  readonly #maxLayers: number;
  readonly #demand: LayerDemand;

  constructor(options: PublishedTrackOptions) {
    const { peerId, source, producer, router, size = DEFAULT_SIZE, layers, layerLinger } = options;
    this.#producer = producer;
    this.#maxLayers = spatialLayers(producer.rtpParameters);
    this.publication = new Publication({
      id: producer.id,
      peerId,
      source,
      kind: producer.kind,
      mimeTypes: producer.rtpParameters.codecs.map(({ mimeType }) => mimeType),
      paused: producer.paused,
      size,
      layers: Math.min(layers ?? this.#maxLayers, this.#maxLayers),
      pathChanges: 0,
      location: { routerId: router.id },
    });
    this.#demand = new LayerDemand(this.#maxLayers, layerLinger);
    this.publication.onDemand((demand) => this.#demand.update(demand));
    this.publication.onEnd(() => this.#demand.close());
    router.addProducer(producer);
    producer.observer.once('close', () => this.publication.close());
    producer.observer.on('pause', () => this.publication.update({ paused: true }));
    producer.observer.on('resume', () => this.publication.update({ paused: false }));
    if (producer.closed) this.publication.close();
  }

  get demandedLayer(): number {
    return this.#demand.layer;
  }

  /**
   * Runs `listener` whenever `demandedLayer` has changed. A video that nobody has demanded by then is not to be sent.
   */
  onDemandedLayer(listener: (maxSpatialLayer: number) => void): void {
    this.#demand.onChange(listener);
  }

  resize(size: Size, layers = this.#maxLayers): void {
    this.publication.update({ size, layers: Math.min(layers, this.#maxLayers) });
  }

  pathChanged(): void {
    this.publication.update({ pathChanges: this.publication.track.pathChanges + 1 });
  }

  async pause(): Promise<void> {
    await this.#producer.pause();
  }

  async resume(): Promise<void> {
    await this.#producer.resume();
  }

  close(): void {
    this.#producer.close();
  }
}
