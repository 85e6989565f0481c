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
}

export class Publication {
  readonly peerId: string;
  readonly source: Source;
  readonly producer: Producer;
  readonly hub: Hub;
  readonly size: Size;
  /** Spatial layers that it has; 1 for sound. */
  readonly layers: number;
  readonly #demand: LayerDemand;

  constructor({ peerId, source, producer, hub, size = USUAL_SIZE }: PublicationOptions) {
    this.peerId = peerId;
    this.source = source;
    this.producer = producer;
    this.hub = hub;
    this.size = size;
    this.layers = spatialLayers(producer.rtpParameters);
    this.#demand = new LayerDemand(this.layers);
    producer.observer.once('close', () => this.#demand.close());
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
