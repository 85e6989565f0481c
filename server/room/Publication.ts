/** A track that a member has published, as the room and its subscribers know it: data that changes, and ends. */
import type { Track } from '../media/Track.ts';
import { type Demand, DemandSum, RouterDemand } from './Demand.ts';

/** What of a track changes while it is published. */
export type TrackChange = Partial<Pick<Track, 'paused' | 'size' | 'layers' | 'pathChanges'>>;

type DemandListener = (demand: Demand | undefined) => void;
type ChangeListener = (track: Track, before: Track) => void;
type EndListener = (publication: Publication) => void;

export class Publication {
  #track: Track;
  #closed = false;
  readonly #changeListeners = new Set<ChangeListener>();
  readonly #endListeners = new Set<EndListener>();
  readonly #demandListeners = new Set<DemandListener>();
  readonly #demand = new DemandSum((sum) => {
    for (const listener of this.#demandListeners) listener(sum);
  });
  /** By router id; routers on which nothing is demanded are missing. */
  readonly #routerDemands = new Map<string, RouterDemand>();

  constructor(track: Track) {
    this.#track = track;
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
    for (const listener of this.#changeListeners) listener(this.#track, before);
  }

  /** Ends it; repeating does nothing. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    for (const demand of this.#routerDemands.values()) demand.close();
    this.#routerDemands.clear();
    this.#demandListeners.clear();
    this.#changeListeners.clear();
    for (const listener of this.#endListeners) {
      this.#endListeners.delete(listener);
      listener(this);
    }
  }

  /** Runs `listener` after every `update`, until the publication ends. @returns what removes the listener */
  onChange(listener: ChangeListener): () => void {
    this.#changeListeners.add(listener);
    return () => this.#changeListeners.delete(listener);
  }

  /** Runs `listener` once it has ended, or now if it has. @returns what removes the listener */
  onEnd(listener: EndListener): () => void {
    if (this.#closed) listener(this);
    else this.#endListeners.add(listener);
    return () => this.#endListeners.delete(listener);
  }

  /** Removes a listener to changes and one to the end. */
  removeListeners(onChange: ChangeListener, onEnd: EndListener): void {
    this.#changeListeners.delete(onChange);
    this.#endListeners.delete(onEnd);
  }

  /**
   * What a subscriber on one router demands of this video from now on; the demands there are summed, and the sums of
   * all routers once more.
   * @param layer the highest spatial layer that is of use, from 0; undefined for nothing
   * @param assumed the subscriber has not reported how it shows the video
   */
  setDemand(routerId: string, subscriber: object, layer: number | undefined, assumed?: boolean): void {
    if (this.#closed || (layer === undefined && !this.#routerDemands.has(routerId))) return;
    const demand = this.#routerDemands.get(routerId) ?? this.#addRouter(routerId);
    demand.set(subscriber, layer, assumed);
  }

  /** Runs `listener` whenever the demand of all routers together has changed, until the publication ends. */
  onDemand(listener: DemandListener): void {
    this.#demandListeners.add(listener);
  }

  #addRouter(routerId: string): RouterDemand {
    const demand = new RouterDemand((sum) => {
      if (!sum) this.#routerDemands.delete(routerId);
      this.#demand.set(routerId, sum);
    });
    this.#routerDemands.set(routerId, demand);
    return demand;
  }
}
