/** Owns what a member has published: a producer, where it is, and how much of it anybody watches. */
import type { Producer } from 'mediasoup/types';
import type { Source } from '../../shared/media.ts';
import type { Hub } from '../media/Hub.ts';
import { type Size, spatialLayers, USUAL_SIZE } from '../media/layers.ts';
import { LayerDemand } from './LayerDemand.ts';

export interface PublicationOptions {
  readonly peerId: string;
  readonly source: Source;
  readonly producer: Producer;
  readonly hub: Hub;
  /** Of the highest layer, in pixels. */
  readonly size?: Size | undefined;
  /** How many of its spatial layers are used for that size; all of them by default. */
  readonly layers?: number | undefined;
}

export class Publication {
  readonly peerId: string;
  readonly source: Source;
  readonly producer: Producer;
  readonly hub: Hub;
  /** Spatial layers that there may be; 1 for sound. */
  readonly #most: number;
  readonly #demand: LayerDemand;
  readonly #onResized = new Set<() => void>();
  #size: Size;
  #layers: number;

  constructor({ peerId, source, producer, hub, size = USUAL_SIZE, layers }: PublicationOptions) {
    this.peerId = peerId;
    this.source = source;
    this.producer = producer;
    this.hub = hub;
    this.#size = size;
    this.#most = spatialLayers(producer.rtpParameters);
    this.#layers = Math.min(layers ?? this.#most, this.#most);
    this.#demand = new LayerDemand(this.#most);
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
  resize(size: Size, layers = this.#most): void {
    this.#size = size;
    this.#layers = Math.min(layers, this.#most);
    for (const listener of this.#onResized) listener();
  }

  /** Runs `listener` whenever the size has changed, until the publication ends or the returned function is called. */
  onResized(listener: () => void): () => void {
    this.#onResized.add(listener);
    return () => this.#onResized.delete(listener);
  }

  /** The highest layer that is watched, or was a moment ago; -1 for none. */
  get watched(): number {
    return this.#demand.layer;
  }

  /** Runs `listener` whenever `watched` has changed. A picture that nobody has asked for by then counts as not watched. */
  onWatched(listener: (maxSpatialLayer: number) => void): void {
    this.#demand.onChange(listener);
  }

  /** As `LayerDemand.set`. */
  want(viewer: object, layer: number | undefined, assumed?: boolean): void {
    this.#demand.set(viewer, layer, assumed);
  }
}
