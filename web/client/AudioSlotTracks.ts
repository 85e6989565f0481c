/** Owns the audio slots of a large room: their tracks, and whose voice each of them carries. */
import type { RoomClientEvents } from './events.ts';

type Notify = <E extends 'slotTrackAdded' | 'slotTrackRemoved' | 'slotsChanged'>(
  event: E,
  data: RoomClientEvents[E],
) => void;

export class AudioSlotTracks {
  readonly #tracks = new Map<number, MediaStreamTrack>();
  readonly #notify: Notify;
  #holders: readonly (string | null)[] = [];

  /** @param tell hears of each change, when it has been made */
  constructor(tell: Notify) {
    this.#notify = tell;
  }

  /** Peer ids by slot; `null` where it is nobody's. */
  get holders(): readonly (string | null)[] {
    return this.#holders;
  }

  get tracks(): ReadonlyMap<number, MediaStreamTrack> {
    return this.#tracks;
  }

  /** The slot that carries somebody's voice; undefined where none does. */
  of(peerId: string): number | undefined {
    const slot = this.#holders.indexOf(peerId);
    return slot < 0 ? undefined : slot;
  }

  setHolders(carried: readonly (string | null)[]): void {
    if (carried.length === this.#holders.length && carried.every((id, slot) => id === this.#holders[slot])) return;
    this.#holders = [...carried];
    this.#notify('slotsChanged', this.#holders);
  }

  addTrack(slot: number, track: MediaStreamTrack): void {
    this.#tracks.set(slot, track);
    this.#notify('slotTrackAdded', { slot, track });
  }

  /** Unless another track has taken its place. */
  removeTrack(slot: number, track: MediaStreamTrack): void {
    if (this.#tracks.get(slot) !== track) return;
    this.#tracks.delete(slot);
    this.#notify('slotTrackRemoved', { slot, track });
  }

  /** Forgets everything, and tells nobody. */
  clear(): void {
    this.#tracks.clear();
    this.#holders = [];
  }
}
