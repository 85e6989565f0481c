/** Owns what a member has published: a producer, where it is, and how much of it anybody watches. */
import type { Producer } from 'mediasoup/types';
import type { Source } from '../../shared/media.ts';
import { type Size, spatialLayers, USUAL_SIZE } from '../media/layers.ts';
import type { RoomRouter } from '../media/RoomRouter.ts';
import { LayerDemand } from './LayerDemand.ts';

export interface PublicationOptions {
  readonly peerId: string;
  readonly source: Source;
  readonly producer: Producer;
  readonly router: RoomRouter;
  /** Of the highest layer, in pixels. */
  readonly size?: Size | undefined;
  /** How many of its spatial layers are used for that size; all of them by default. */
  readonly layers?: number | undefined;
}

export class Publication {
  readonly peerId: string;
  readonly source: Source;
  readonly producer: Producer;
  readonly router: RoomRouter;
  /** Spatial layers that there may be; 1 for sound. */
  readonly #maxLayers: number;
  readonly #demand: LayerDemand;
  readonly #onResized = new Set<() => void>();
  #size: Size;
  #layers: number;

  constructor({ peerId, source, producer, router, size = USUAL_SIZE, layers }: PublicationOptions) {
    this.peerId = peerId;
    this.source = source;
    this.producer = producer;
    this.router = router;
    this.#size = size;
    this.#maxLayers = spatialLayers(producer.rtpParameters);
    this.#layers = Math.min(layers ?? this.#maxLayers, this.#maxLayers);
    this.#demand = new LayerDemand(this.#maxLayers);
    producer.observer.once('close', () => this.#demand.close());
  }

  /** Of the highest layer that is used, in pixels. */
  get size(): Size {
    return this.#size;
  }

  /** How many spatial layers are used, from the lowest; 1 for sound. */
  get layers(): number {
    return this.#layers;
  }

  /** Its track has another size. */
  resize(size: Size, layers = this.#maxLayers): void {
    this.#size = size;
    this.#layers = Math.min(layers, this.#maxLayers);
    for (const listener of this.#onResized) listener();
  }

  /** Runs `listener` whenever the size has changed, until the publication ends or the returned function is called. */
  onResized(listener: () => void): () => void {
    this.#onResized.add(listener);
    return () => this.#onResized.delete(listener);
  }

  /** The highest layer that is watched, or was a moment ago; -1 for none. */
  get demandedLayer(): number {
    return this.#demand.layer;
  }

  /** Runs `listener` whenever `watched` has changed. A picture that nobody has asked for by then counts as not watched. */
  onDemandedLayer(listener: (maxSpatialLayer: number) => void): void {
    this.#demand.onChange(listener);
  }

  /** As `LayerDemand.set`. */
  setDemand(viewer: object, layer: number | undefined, assumed?: boolean): void {
    this.#demand.set(viewer, layer, assumed);
  }
}
