/** The one audio stream that all players of a room hear: whoever speaks, by an audio slot, or the only source that there is. */
import type { Logger } from 'pino';
import { Lifetime } from '../../common/Lifetime.ts';
import { AudioSlots } from '../../media/audio/AudioSlots.ts';
import { isClosed } from '../../media/rethrowUnavailable.ts';
import { trackKey } from '../../media/Track.ts';
import type { Publication } from '../../room/Publication.ts';
import { Retries } from '../../room/Retries.ts';
import type { Room } from '../../room/Room.ts';

export class RoomAudio {
  /** Slot 0 is what players hear. */
  readonly slots: AudioSlots;
  readonly #room: Room;
  readonly #log: Logger;
  readonly #lifetime = new Lifetime();
  readonly #retries = new Retries();
  /** By the key of their track. */
  readonly #sources = new Map<string, Publication>();
  readonly #speakerListeners = new Set<() => void>();

  constructor(room: Room, log: Logger) {
    this.#room = room;
    this.#log = log.child({ room: room.key });
    const slots = new AudioSlots({
      maxAudibleSpeakers: 1,
      fillsFreeSlots: true,
      onChange: () => {
        for (const listener of this.#speakerListeners) listener();
      },
    });
    this.slots = slots;
    this.#lifetime.defer(() => slots.close());
    this.#lifetime.defer(() => this.#retries.close());
    const removeListener = room.events.on({
      published: ({ publication }) => this.#add(publication),
      unpublished: ({ publication }) => this.#remove(publication),
      closed: () => this.close(),
    });
    this.#lifetime.defer(removeListener);
    for (const publication of room.publications) this.#add(publication);
  }

  /** The peer whose sound is heard. */
  get speaker(): string | undefined {
    const [holder] = this.slots.holders;
    return holder === undefined ? undefined : this.#sources.get(holder)?.track.peerId;
  }

  /** Runs `listener` whenever somebody else is heard. @returns what removes it */
  onSpeaker(listener: () => void): () => void {
    this.#speakerListeners.add(listener);
    return () => this.#speakerListeners.delete(listener);
  }

  close(): void {
    this.#lifetime.end('closed');
  }

  #add(publication: Publication): void {
    const { track } = publication;
    if (track.kind !== 'audio' || track.location === undefined || this.#lifetime.closed) return;
    this.#sources.set(trackKey(track), publication);
    this.#listen(publication);
  }

  #remove(publication: Publication): void {
    const key = trackKey(publication.track);
    if (this.#sources.get(key) === publication) this.#sources.delete(key);
  }

  #listen(publication: Publication, failures = 0): void {
    const wanted = () => !this.#lifetime.closed && !publication.closed;
    const { track } = publication;
    this.#room.routers
      .acquire(track)
      .then((lease) => this.slots.add(trackKey(track), lease))
      .catch((error: unknown) => {
        this.#retries.later(failures, () => wanted() && this.#listen(publication, failures + 1));
        const level = wanted() && !isClosed(error) ? 'warn' : 'debug';
        this.#log[level]({ err: error, peer: track.peerId }, 'audio is not read for players');
      });
  }
}

/** The audio of each room that has players, as long as it has any. */
export class RoomAudios {
  readonly #log: Logger;
  readonly #audios = new Map<Room, { readonly audio: RoomAudio; uses: number }>();

  constructor(log: Logger) {
    this.#log = log;
  }

  /** The audio of that room; dispose of it when the player has ended. */
  acquire(room: Room): Disposable & { readonly audio: RoomAudio } {
    const use = this.#audios.get(room) ?? { audio: new RoomAudio(room, this.#log), uses: 0 };
    this.#audios.set(room, use);
    use.uses += 1;
    let given = true;
    return {
      audio: use.audio,
      [Symbol.dispose]: () => {
        if (!given) return;
        given = false;
        use.uses -= 1;
        if (use.uses > 0) return;
        this.#audios.delete(room);
        use.audio.close();
      },
    };
  }
}
