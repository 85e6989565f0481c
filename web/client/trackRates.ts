/** Rates of tracks over a window of time, from the counters in their statistics. */
import type { TrackStats } from './stats.ts';

/** The statistics that only grow while a track lasts. */
export type TrackCounter =
  | 'bytes'
  | 'packets'
  | 'packetsLost'
  | 'frames'
  | 'freezeCount'
  | 'jitterBufferDelay'
  | 'jitterBufferEmittedCount'
  | 'totalDecodeTime'
  | 'nackCount'
  | 'pliCount';

/** Two samples of the statistics of a client, and what lies between them. */
export class TrackRates {
  /** As the latest sample has them. */
  readonly tracks: readonly TrackStats[];
  readonly seconds: number;
  readonly #before: ReadonlyMap<string, TrackStats>;

  constructor(first: Sample, last: Sample) {
    this.tracks = last.tracks;
    this.seconds = (last.at - first.at) / 1000;
    this.#before = new Map(first.tracks.map((track) => [keyOf(track), track]));
  }

  /** How much a counter has grown; 0 without a track. Those of a new track start from zero. */
  increase(track: TrackStats | undefined, counter: TrackCounter): number {
    const before = track && this.#before.get(keyOf(track));
    const now = track?.[counter] ?? 0;
    const isSame = track !== undefined && before !== undefined && track.packets >= before.packets;
    // Of the same track only the count of lost packets can fall: when they arrive after all.
    return isSame ? Math.max(0, now - (before[counter] ?? 0)) : now;
  }

  /** In bit/s. */
  bitrate(track: TrackStats): number {
    return (this.increase(track, 'bytes') * 8) / this.seconds;
  }

  framesPerSecond(track: TrackStats): number {
    return this.increase(track, 'frames') / this.seconds;
  }

  /** The fraction of packets that were lost, 0 to 1: of those that should have arrived, or of those that were sent. */
  loss(...tracks: readonly TrackStats[]): number {
    let [lost, all] = [0, 0];
    for (const track of tracks) {
      const [lostNow, packets] = [this.increase(track, 'packetsLost'), this.increase(track, 'packets')];
      lost += lostNow;
      all += track.direction === 'receive' ? packets + lostNow : packets;
    }
    return Math.min(1, lost / Math.max(1, all));
  }
}

interface Sample {
  /** `performance.now()` */
  readonly at: number;
  readonly tracks: readonly TrackStats[];
}

/** Turns regular samples of `RoomClient.getStats()` into rates. */
export class TrackRateMeter {
  readonly #window: number;
  #samples: Sample[] = [];

  /** @param window how much time the rates cover, in milliseconds */
  constructor(window = 5000) {
    this.#window = window;
  }

  /** @param at `performance.now()` @returns the rates over the window; undefined until there are two samples */
  add(tracks: readonly TrackStats[], at: number): TrackRates | undefined {
    this.#samples.push({ at, tracks });
    while (this.#samples.length > 2 && at - (this.#samples[1]?.at ?? at) >= this.#window) this.#samples.shift();
    const [first] = this.#samples;
    const last = this.#samples.at(-1);
    return first && last && first !== last && last.at > first.at ? new TrackRates(first, last) : undefined;
  }

  /** Forgets all samples: another client counts anew. */
  reset(): void {
    this.#samples = [];
  }
}

function keyOf({ direction, source, peerId, toPeerId, slot }: TrackStats): string {
  return `${direction} ${source} ${peerId ?? ''} ${toPeerId ?? ''} ${slot ?? ''}`;
}
