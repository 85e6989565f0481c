/** The audio slots of a large room: their tracks, and the peer that holds each of them. */
import type { Notify } from './events.ts';

export class AudioSlotTracks {
  readonly #tracks = new Map<number, MediaStreamTrack>();
  readonly #notify: Notify;
  #holders: readonly (string | null)[] = [];

  /** @param notify is called after each change */
  constructor(notify: Notify) {
    this.#notify = notify;
  }

  /** Peer ids by slot; `null` for a free slot. */
  get holders(): readonly (string | null)[] {
    return this.#holders;
  }

  get tracks(): ReadonlyMap<number, MediaStreamTrack> {
    return this.#tracks;
  }

  /** The slot that carries a peer's audio, if any. */
  of(peerId: string): number | undefined {
    const slot = this.#holders.indexOf(peerId);
    return slot < 0 ? undefined : slot;
  }

  setHolders(holders: readonly (string | null)[]): void {
    if (holders.length === this.#holders.length && holders.every((id, slot) => id === this.#holders[slot])) return;
    this.#holders = [...holders];
    this.#notify('audioSlotsChanged', this.#holders);
  }

  addTrack(slot: number, track: MediaStreamTrack): void {
    this.#tracks.set(slot, track);
    this.#notify('audioSlotTrackAdded', { slot, track });
  }

  /** Does nothing if another track has replaced it. */
  removeTrack(slot: number, track: MediaStreamTrack): void {
    if (this.#tracks.get(slot) !== track) return;
    this.#tracks.delete(slot);
    this.#notify('audioSlotTrackRemoved', { slot, track });
  }

  /** Removes everything, without notifying. */
  clear(): void {
    this.#tracks.clear();
    this.#holders = [];
  }
}
