/** Decides which layers of one video its publisher sends: those that its viewers demand, and for a while those they did. */

/**
 * Milliseconds for which a layer is still sent that no viewer demands (any more).
 * `fresh`: of a new publication, while its viewers say how they show it. `none`: no layer is demanded, as when somebody
 * turns a page and back. `upper`: a lower layer is demanded; longer, since mediasoup does not switch up to a layer before
 * it has been active for two seconds.
 */
const KEEP = { fresh: 1500, none: 2000, upper: 10_000 };

/**
 * A viewer that has not said how it shows a video may be about to: its demand makes the publisher start more than the
 * lowest layer only when it has lasted for so long, in milliseconds.
 */
const ASSUMED = 1500;

/** What one viewer demands. */
interface Demand {
  /** The highest layer that is of use to it. */
  readonly layer: number;
  /** Until then the demand is an assumption that starts no layer but the lowest. */
  readonly from: number;
}

export class LayerDemand {
  /** By viewer; who wants none of the video is missing. */
  readonly #demands = new Map<object, Demand>();
  /** By layer: until when it is sent where nobody demands it (`performance.now()`). */
  readonly #kept: number[];
  /** The highest layer that a viewer demands who has said how it shows the video; -1 for none. */
  #stated = -1;
  #layer: number;
  #onChange: ((layer: number) => void) | undefined;
  #timer: NodeJS.Timeout | undefined;
  #closed = false;

  /** @param layers how many spatial layers there are; all of them are sent at first */
  constructor(layers: number) {
    this.#layer = layers - 1;
    this.#kept = Array.from({ length: layers }, () => performance.now() + KEEP.fresh);
  }

  /** The highest layer that is to be sent; -1 for none. */
  get layer(): number {
    return this.#layer;
  }

  /** Runs `listener` whenever `layer` has changed. A video that nobody has demanded by then counts as not watched. */
  onChange(listener: (layer: number) => void): void {
    this.#onChange = listener;
    this.#update();
  }

  /**
   * What `viewer` demands from now on: no layer above that one; undefined for nothing.
   * @param assumed the viewer has not said how it shows the video
   */
  set(viewer: object, layer: number | undefined, assumed = false): void {
    const now = performance.now();
    const before = this.#demands.get(viewer);
    if (layer === undefined) {
      if (this.#demands.delete(viewer) && this.#demands.size === 0) this.#keepAll(now);
    } else if (!assumed) this.#demands.set(viewer, { layer, from: Number.NEGATIVE_INFINITY });
    else if (before?.layer !== layer) this.#demands.set(viewer, { layer, from: now + ASSUMED });
    this.#keepStated(now);
    this.#update();
  }

  /** The last viewer is gone: everything stops soon. */
  #keepAll(now: number): void {
    for (let layer = 0; layer <= this.#layer; layer += 1) this.#kept[layer] = now + KEEP.none;
    this.#stated = -1;
  }

  /** A layer that a viewer has asked for, and nobody does any more, is kept for a while. Repeated demands change nothing. */
  #keepStated(now: number): void {
    const stated = highest([...this.#demands.values()].filter(({ from }) => from === Number.NEGATIVE_INFINITY));
    for (let layer = stated + 1; layer <= this.#stated; layer += 1) this.#kept[layer] = now + KEEP.upper;
    this.#stated = stated;
  }

  /** Makes `layer` what is demanded or kept now. A layer is started at once, and stopped when it is not kept any more. */
  #update(): void {
    clearTimeout(this.#timer);
    if (this.#closed) return;
    const now = performance.now();
    const demands = [...this.#demands.values()];
    const due = highest(demands.map((demand) => (demand.from <= now ? demand : { ...demand, layer: 0 })));
    const kept = this.#kept.findLastIndex((until) => until > now);
    const layer = Math.max(due, Math.min(this.#layer, Math.max(highest(demands), kept)));
    if (layer !== this.#layer) {
      this.#layer = layer;
      this.#onChange?.(layer);
    }
    const changes = [...this.#kept, ...demands.map(({ from }) => from)].filter((at) => at > now);
    if (changes.length > 0) this.#timer = setTimeout(() => this.#update(), Math.min(...changes) - now + 1);
  }

  close(): void {
    this.#closed = true;
    clearTimeout(this.#timer);
  }
}

function highest(demands: readonly Demand[]): number {
  return Math.max(-1, ...demands.map(({ layer }) => layer));
}
