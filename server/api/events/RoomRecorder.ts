/** Records what happens in one room: makes plain events of the room's event stream. */
import type { CloseReason } from '../../../shared/closeReasons.ts';
import type { Track } from '../../media/Track.ts';
import type { Participant } from '../../room/Participant.ts';
import type { Publication } from '../../room/Publication.ts';
import type { Room } from '../../room/Room.ts';
import type { LoggedParticipant, LoggedRoom, LoggedTrack, NewEvent } from './LoggedEvent.ts';

/** What is known of a participant while it is in the room, or has tracks that have not ended. */
interface Entry {
  readonly participant: Participant;
  readonly joinedAt: number;
  /** How many tracks it publishes. */
  tracks: number;
  /** As it left; undefined while it is in the room. */
  last: LoggedParticipant | undefined;
}

/** What is read of a room. */
export type RecordedRoom = Pick<Room, 'id' | 'name' | 'kind' | 'policy' | 'openedAt' | 'size' | 'settings' | 'events'>;

export interface RoomRecorderOptions {
  readonly room: RecordedRoom;
  readonly record: (event: NewEvent) => void;
  /** Unix milliseconds. */
  readonly now: () => number;
}

export class RoomRecorder {
  readonly #room: RecordedRoom;
  readonly #record: (event: NewEvent) => void;
  readonly #now: () => number;
  readonly #stop: () => void;
  /** By participant id. */
  readonly #entries = new Map<string, Entry>();
  #publishers = 0;

  /** @param options of a room that has just opened */
  constructor({ room, record, now }: RoomRecorderOptions) {
    this.#room = room;
    this.#record = record;
    this.#now = now;
    record({ type: 'room_started', room: this.#describeRoom() });
    this.#stop = room.events.on({
      joined: ({ participant }) => this.#onJoined(participant),
      left: ({ participant, reason }) => this.#onLeft(participant, reason),
      published: ({ publication }) => this.#onPublished(publication),
      unpublished: ({ publication }) => this.#onUnpublished(publication),
      grantsChanged: ({ participant, before }) =>
        this.#of(participant, (described) => ({ type: 'participant_grants_changed', ...described, before })),
      awayChanged: ({ participant, away }) =>
        this.#of(participant, (described) => ({
          type: away ? 'participant_away' : 'participant_resumed',
          ...described,
        })),
      videoProblem: ({ participant, problem }) =>
        this.#of(participant, (described) => ({ type: 'video_problem_found', ...described, problem })),
      settingsChanged: ({ before }) => record({ type: 'room_settings_changed', room: this.#describeRoom(), before }),
      liveChanged: ({ live }) =>
        record({ type: live ? 'broadcast_started' : 'broadcast_ended', room: this.#describeRoom() }),
      closed: ({ reason }) => record({ type: 'room_finished', room: this.#describeRoom(), reason }),
    });
  }

  /** Records nothing any more; idempotent. */
  close(): void {
    this.#stop();
    this.#entries.clear();
  }

  #onJoined(participant: Participant): void {
    this.#entries.set(participant.id, { participant, joinedAt: this.#now(), tracks: 0, last: undefined });
    this.#of(participant, (described) => ({ type: 'participant_joined', ...described }));
  }

  #onLeft(participant: Participant, reason: CloseReason): void {
    const entry = this.#entries.get(participant.id);
    if (!entry) return;
    const described = describe(entry);
    entry.last = described;
    if (entry.tracks === 0) this.#entries.delete(participant.id);
    const type = participant.everConnected === false ? 'participant_connection_aborted' : ('participant_left' as const);
    this.#record({ type, room: this.#describeRoom(), participant: described, reason });
  }

  #onPublished({ track }: Publication): void {
    const entry = this.#entries.get(track.peerId);
    if (!entry) return;
    entry.tracks += 1;
    if (entry.tracks === 1) this.#publishers += 1;
    this.#recordTrack('track_published', entry, track);
  }

  #onUnpublished({ track }: Publication): void {
    const entry = this.#entries.get(track.peerId);
    if (!entry) return;
    entry.tracks -= 1;
    if (entry.tracks === 0) this.#publishers -= 1;
    if (entry.last && entry.tracks === 0) this.#entries.delete(track.peerId);
    this.#recordTrack('track_unpublished', entry, track);
  }

  #recordTrack(type: 'track_published' | 'track_unpublished', entry: Entry, track: Track): void {
    this.#record({ type, room: this.#describeRoom(), participant: describe(entry), track: describeTrack(track) });
  }

  /** Records an event of somebody who is in the room. */
  #of(
    participant: Participant,
    make: (described: { readonly room: LoggedRoom; readonly participant: LoggedParticipant }) => NewEvent,
  ): void {
    const entry = this.#entries.get(participant.id);
    if (entry) this.#record(make({ room: this.#describeRoom(), participant: describe(entry) }));
  }

  #describeRoom(): LoggedRoom {
    const { id, name, kind, policy, openedAt, size, settings } = this.#room;
    const counts = { participants: size, publishers: this.#publishers };
    return { id, name, kind, policy, openedAt: openedAt.getTime(), ...counts, settings };
  }
}

function describe({ participant, joinedAt, tracks, last }: Entry): LoggedParticipant {
  if (last) return { ...last, tracks };
  const { identity, name, metadata } = participant.info;
  const { id, grants, gateway } = participant;
  const optional = { ...(metadata !== undefined && { metadata }), ...(gateway && { gateway }) };
  return { id, identity, name, ...optional, joinedAt, grants, tracks };
}

function describeTrack({ id, source, kind, mimeTypes, paused, size, layers, location }: Track): LoggedTrack {
  const [mimeType] = mimeTypes;
  return {
    ...{ id, source, kind, ...(mimeType !== undefined && { mimeType }), muted: paused },
    ...(kind === 'video' && { width: size.width, height: size.height }),
    ...{ layers, direct: location === undefined },
  };
}
