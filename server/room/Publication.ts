/** A track that a member has published, as the room and its subscribers know it: data that changes, and ends. */
import type { Track } from '../media/Track.ts';
import { LayerDemand } from './LayerDemand.ts';

/** What of a track changes while it is published. */
export type TrackChange = Partial<Pick<Track, 'paused' | 'size' | 'layers'>>;

type ChangeListener = (track: Track, before: Track) => void;

export class Publication {
  #track: Track;
  #closed = false;
  readonly #demand: LayerDemand;
  readonly #changeListeners = new Set<ChangeListener>();
  readonly #endListeners = new Set<() => void>();

  /** @param maxLayers spatial layers that its encodings have, in use or not */
  constructor(track: Track, maxLayers: number) {
    this.#track = track;
    this.#demand = new LayerDemand(maxLayers);
  }

  /** As it is now; a new object after every change. */
  get track(): Track {
    return this.#track;
  }

  get closed(): boolean {
    return this.#closed;
  }

  /** Whoever publishes the track reports how it has changed. */
  update(change: TrackChange): void {
    const before = this.#track;
    this.#track = { ...before, ...change };
    for (const listener of [...this.#changeListeners]) listener(this.#track, before);
  }

  /** Ends it; repeating does nothing. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#demand.close();
    const listeners = [...this.#endListeners];
    this.#endListeners.clear();
    this.#changeListeners.clear();
    for (const listener of listeners) listener();
  }

  /** Runs `listener` after every `update`, until the publication ends. @returns what removes the listener */
  onChange(listener: ChangeListener): () => void {
    this.#changeListeners.add(listener);
    return () => this.#changeListeners.delete(listener);
  }

  /** Runs `listener` once it has ended, or now if it has. @returns what removes the listener */
  onEnd(listener: () => void): () => void {
    if (this.#closed) listener();
    else this.#endListeners.add(listener);
    return () => this.#endListeners.delete(listener);
  }

  /** The highest layer that is to be sent; -1 for none. */
  get demandedLayer(): number {
    return this.#demand.layer;
  }

  /** Runs `listener` whenever `demandedLayer` has changed. A video that nobody has demanded by then is not to be sent. */
  onDemandedLayer(listener: (maxSpatialLayer: number) => void): void {
    this.#demand.onChange(listener);
  }

  /** As `LayerDemand.set`. */
  setDemand(viewer: object, layer: number | undefined, assumed?: boolean): void {
    this.#demand.set(viewer, layer, assumed);
  }
}
