/** Decides which layers of one video its publisher sends: those that are demanded, and for a while those that were. */
import type { Demand } from './Demand.ts';

/**
 * Milliseconds for which a layer is still sent that is not demanded (any more). `fresh`: of a new video, while its
 * subscribers report how they show it. `none`: no layer is demanded, as when a viewer turns a page and back. `upper`: a
 * lower layer is demanded; longer, since mediasoup does not switch up to a layer before it has been active for two
 * seconds.
 */
const KEEP = { fresh: 1500, none: 2000, upper: 10_000 };

export class LayerDemand {
  #demand: Demand | undefined;
  /** By layer: until when it is sent where it is not demanded (`performance.now()`). */
  readonly #kept: number[];
  readonly #upperLinger: number;
  #layer: number;
  #onChange: ((layer: number) => void) | undefined;
  #timer: NodeJS.Timeout | undefined;
  #closed = false;

  /**
   * @param layers how many spatial layers there are; all of them are sent at first
   * @param upperLinger for how long a layer is still sent when a lower one is demanded, in milliseconds
   */
  constructor(layers: number, upperLinger: number = KEEP.upper) {
    this.#upperLinger = upperLinger;
    this.#layer = layers - 1;
    this.#kept = Array.from({ length: layers }, () => performance.now() + KEEP.fresh);
  }

  /** The highest layer that is to be sent; -1 for none. */
  get layer(): number {
    return this.#layer;
  }

  /** Runs `listener` whenever `layer` has changed. A video that nobody has demanded by then is not to be sent. */
  onChange(listener: (layer: number) => void): void {
    this.#onChange = listener;
    this.#apply();
  }

  /** What all subscribers demand from now on, as one; undefined for nothing. */
  update(demand: Demand | undefined): void {
    const now = performance.now();
    if (this.#demand && !demand) this.#keepAll(now);
    // A layer that a subscriber has reported, and none does any more, is kept for a while.
    else this.#keepFrom((demand?.reported ?? -1) + 1, this.#demand?.reported ?? -1, now + this.#upperLinger);
    this.#demand = demand;
    this.#apply();
  }

  close(): void {
    this.#closed = true;
    clearTimeout(this.#timer);
  }

  /** The last subscriber is gone: everything stops soon, also what would have been kept for longer. */
  #keepAll(now: number): void {
    this.#keepFrom(0, this.#layer, now + KEEP.none);
  }

  #keepFrom(lowest: number, highest: number, until: number): void {
    for (let layer = lowest; layer <= highest; layer += 1) this.#kept[layer] = until;
  }

  /**
   * Makes `layer` what is demanded or kept now. A layer is started at once, and stopped when it is not kept any more.
   */
  #apply(): void {
    clearTimeout(this.#timer);
    if (this.#closed) return;
    const now = performance.now();
    const { start = -1, keep = -1 } = this.#demand ?? {};
    const kept = this.#kept.findLastIndex((until) => until > now);
    const layer = Math.max(start, Math.min(this.#layer, Math.max(keep, kept)));
    if (layer !== this.#layer) {
      this.#layer = layer;
      this.#onChange?.(layer);
    }
    const ends = this.#kept.filter((until) => until > now);
    if (ends.length > 0) this.#timer = setTimeout(() => this.#apply(), Math.min(...ends) - now + 1);
  }
}
