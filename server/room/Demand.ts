/** Which layers of one video are demanded: by the subscribers on one router, and by all routers together. */

/**
 * What subscribers demand of a video, as one. Each member is the highest spatial layer, from 0. The demand of several
 * routers, or of several machines, is the maximum of each member.
 */
export interface Demand {
  /** Layers up to this one are started where they are not sent. */
  readonly start: number;
  /** Layers up to this one are not stopped where they are sent: `start` or more. */
  readonly keep: number;
  /** The highest layer that a subscriber has reported to show; -1 where all have been assumed to. */
  readonly reported: number;
}

/**
 * A subscriber that has not reported how it shows a video may be about to: its demand starts more than the lowest layer
 * only when it has lasted for so long, in milliseconds.
 */
const ASSUMED = 1500;

/** The demand of the subscribers on one router. */
export class RouterDemand {
  /**
   * By subscriber; those that demand nothing are missing. Before `from` (`performance.now()`), a demand is an
   * assumption.
   */
  readonly #demands = new Map<object, { readonly layer: number; readonly from: number }>();
  readonly #onChange: (sum: Demand | undefined) => void;
  #sum: Demand | undefined;
  #timer: NodeJS.Timeout | undefined;

  /** @param onChange is called whenever the sum has changed; with undefined when nothing is demanded */
  constructor(onChange: (sum: Demand | undefined) => void) {
    this.#onChange = onChange;
  }

  /**
   * What `subscriber` demands from now on.
   * @param layer the highest spatial layer that is of use, from 0; undefined for nothing
   * @param assumed the subscriber has not reported how it shows the video
   */
  set(subscriber: object, layer: number | undefined, assumed = false): void {
    const before = this.#demands.get(subscriber);
    if (layer === undefined) this.#demands.delete(subscriber);
    else if (!assumed) this.#demands.set(subscriber, { layer, from: Number.NEGATIVE_INFINITY });
    else if (before?.layer !== layer) this.#demands.set(subscriber, { layer, from: performance.now() + ASSUMED });
    this.#update();
  }

  close(): void {
    clearTimeout(this.#timer);
    this.#demands.clear();
  }

  #update(): void {
    clearTimeout(this.#timer);
    const now = performance.now();
    let [start, keep, reported, next] = [-1, -1, -1, Number.POSITIVE_INFINITY];
    for (const { layer, from } of this.#demands.values()) {
      start = Math.max(start, from <= now ? layer : 0);
      keep = Math.max(keep, layer);
      if (from === Number.NEGATIVE_INFINITY) reported = Math.max(reported, layer);
      else if (from > now) next = Math.min(next, from);
    }
    if (next < Number.POSITIVE_INFINITY) this.#timer = setTimeout(() => this.#update(), next - now + 1);
    const sum = keep < 0 ? undefined : { start, keep, reported };
    if (isEqual(sum, this.#sum)) return;
    this.#sum = sum;
    this.#onChange(sum);
  }
}

/** The demand of several places (routers here, machines one hop further), as one. */
export class DemandSum {
  readonly #demands = new Map<string, Demand>();
  readonly #onChange: (sum: Demand | undefined) => void;
  #sum: Demand | undefined;

  /** @param onChange is called whenever the sum has changed; with undefined when nothing is demanded */
  constructor(onChange: (sum: Demand | undefined) => void) {
    this.#onChange = onChange;
  }

  /** What is demanded at `place` from now on; undefined for nothing. */
  set(place: string, demand: Demand | undefined): void {
    if (demand) this.#demands.set(place, demand);
    else this.#demands.delete(place);
    const sum = sumOf(this.#demands.values());
    if (isEqual(sum, this.#sum)) return;
    this.#sum = sum;
    this.#onChange(sum);
  }
}

function sumOf(demands: Iterable<Demand>): Demand | undefined {
  let sum: Demand | undefined;
  for (const demand of demands) {
    sum = {
      start: Math.max(demand.start, sum?.start ?? -1),
      keep: Math.max(demand.keep, sum?.keep ?? -1),
      reported: Math.max(demand.reported, sum?.reported ?? -1),
    };
  }
  return sum;
}

function isEqual(a: Demand | undefined, b: Demand | undefined): boolean {
  return a?.start === b?.start && a?.keep === b?.keep && a?.reported === b?.reported;
}
