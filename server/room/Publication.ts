/** Owns what a member has published: a producer, where it is, and how much of it anybody watches. */
import type { Producer } from 'mediasoup/types';
import type { Source } from '../../shared/media.ts';
import type { Hub } from '../media/Hub.ts';
import { type Size, spatialLayers, USUAL_SIZE } from '../media/layers.ts';

export interface PublicationOptions {
  readonly peerId: string;
  readonly source: Source;
  readonly producer: Producer;
  readonly hub: Hub;
  /** Of the highest layer, in pixels. */
  readonly size?: Size | undefined;
}

/**
 * How long a layer that nobody watches any more is still sent, in milliseconds: who turns a page turns back. Longer where
 * a lower one is watched, as mediasoup does not go up to a layer before it has been there for two seconds.
 */
const UNWATCHED = { all: 2000, upper: 10_000 };

export class Publication {
  readonly peerId: string;
  readonly source: Source;
  readonly producer: Producer;
  readonly hub: Hub;
  readonly size: Size;
  /** Spatial layers that it has; 1 for sound. */
  readonly layers: number;
  /** The highest layer that each viewer wants; who wants none is missing. */
  readonly #wanted = new Map<object, number>();
  #watched: number;
  #onWatched: ((maxSpatialLayer: number) => void) | undefined;
  #lowering: NodeJS.Timeout | undefined;

  constructor({ peerId, source, producer, hub, size = USUAL_SIZE }: PublicationOptions) {
    this.peerId = peerId;
    this.source = source;
    this.producer = producer;
    this.hub = hub;
    this.size = size;
    this.layers = spatialLayers(producer.rtpParameters);
    this.#watched = this.layers - 1;
    producer.observer.once('close', () => clearTimeout(this.#lowering));
  }

  /** The highest layer that is watched, or was a moment ago; -1 for none. */
  get watched(): number {
    return this.#watched;
  }

  /** Runs `listener` whenever `watched` has changed. A picture that nobody has asked for by then counts as not watched. */
  onWatched(listener: (maxSpatialLayer: number) => void): void {
    this.#onWatched = listener;
    this.#reckon();
  }

  /** What `viewer` wants of it from now on: no layer above that one; undefined for nothing. */
  want(viewer: object, layer: number | undefined): void {
    if (layer === undefined) this.#wanted.delete(viewer);
    else this.#wanted.set(viewer, layer);
    this.#reckon();
  }

  /** More is said at once, less when it has lasted: what is lowered too early is missed, what too late is only sent. */
  #reckon(): void {
    clearTimeout(this.#lowering);
    const wanted = Math.max(-1, ...this.#wanted.values());
    if (wanted > this.#watched) this.#tell(wanted);
    else if (wanted < this.#watched && !this.producer.closed) {
      this.#lowering = setTimeout(() => this.#tell(wanted), wanted < 0 ? UNWATCHED.all : UNWATCHED.upper);
    }
  }

  #tell(layer: number): void {
    this.#watched = layer;
    this.#onWatched?.(layer);
  }
}
