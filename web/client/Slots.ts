/** Owns the audio slots of a large room: their tracks, and whose voice each of them carries. */
import type { RoomClientEvents } from './events.ts';

type Tell = <E extends 'slotTrackAdded' | 'slotTrackRemoved' | 'slotsChanged'>(
  event: E,
  data: RoomClientEvents[E],
) => void;

export class Slots {
  readonly #tracks = new Map<number, MediaStreamTrack>();
  readonly #tell: Tell;
  #carried: readonly (string | null)[] = [];

  /** @param tell hears of each change, when it has been made */
  constructor(tell: Tell) {
    this.#tell = tell;
  }

  /** Peer ids by slot; `null` where it is nobody's. */
  get carried(): readonly (string | null)[] {
    return this.#carried;
  }

  get tracks(): ReadonlyMap<number, MediaStreamTrack> {
    return this.#tracks;
  }

  /** The slot that carries somebody's voice; undefined where none does. */
  of(peerId: string): number | undefined {
    const slot = this.#carried.indexOf(peerId);
    return slot < 0 ? undefined : slot;
  }

  carry(carried: readonly (string | null)[]): void {
    if (carried.length === this.#carried.length && carried.every((id, slot) => id === this.#carried[slot])) return;
    this.#carried = [...carried];
    this.#tell('slotsChanged', this.#carried);
  }

  addTrack(slot: number, track: MediaStreamTrack): void {
    this.#tracks.set(slot, track);
    this.#tell('slotTrackAdded', { slot, track });
  }

  /** Unless another track has taken its place. */
  removeTrack(slot: number, track: MediaStreamTrack): void {
    if (this.#tracks.get(slot) !== track) return;
    this.#tracks.delete(slot);
    this.#tell('slotTrackRemoved', { slot, track });
  }

  /** Forgets everything, and tells nobody. */
  clear(): void {
    this.#tracks.clear();
    this.#carried = [];
  }
}
