/** Decides which layers of one video its publisher sends: those that are demanded, and for a while those that were. */
import type { Demand } from './Demand.ts';

/** For how long a layer is still sent that is not demanded (any more), in milliseconds, by the reason. */
export interface LayerLinger {
  /** Of a new video, while its subscribers report how they show it. */
  readonly fresh?: number;
  /** No layer is demanded, as when a viewer turns a page and back. */
  readonly none?: number;
  /**
   * A lower layer is demanded; longer, since mediasoup does not switch up to a layer before it has been active for two
   * seconds.
   */
  readonly upper?: number;
}

const LINGER = { fresh: 1500, none: 2000, upper: 10_000 } as const satisfies LayerLinger;

export class LayerDemand {
  #demand: Demand | undefined;
  /** By layer: until when it is sent where it is not demanded (`performance.now()`). */
  readonly #kept: number[];
  readonly #linger: Required<LayerLinger>;
  #layer: number;
  #onChange: ((layer: number) => void) | undefined;
  #timer: NodeJS.Timeout | undefined;
  #closed = false;

  /**
   * @param layers how many spatial layers there are; all of them are sent at first
   * @param linger replaces defaults
   */
  constructor(layers: number, linger: LayerLinger = {}) {
    this.#linger = { ...LINGER, ...linger };
    this.#layer = layers - 1;
    this.#kept = Array.from({ length: layers }, () => performance.now() + this.#linger.fresh);
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
    else this.#keepFrom((demand?.reported ?? -1) + 1, this.#demand?.reported ?? -1, now + this.#linger.upper);
    this.#demand = demand;
    this.#apply();
  }

  close(): void {
    this.#closed = true;
    clearTimeout(this.#timer);
  }

  /** The last subscriber is gone: everything stops soon, also what would have been kept for longer. */
  #keepAll(now: number): void {
    this.#keepFrom(0, this.#layer, now + this.#linger.none);
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
