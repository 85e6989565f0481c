/**
 * What the API does, whichever face asks for it: rooms, their participants, tracks and data, as plain data. Who may ask is
 * decided before: see `AdminAccess`.
 */
import { WeirError } from '../../shared/errors.ts';
import type { WaitingPeers } from '../../shared/moderation.ts';
import type { BroadcastInfo, RoomPolicy } from '../../shared/protocol.ts';
import type { RoomSettingsPatch } from '../../shared/roomSettings.ts';
import type { Participant } from '../room/Participant.ts';
import type { Publication } from '../room/Publication.ts';
import type { Room } from '../room/Room.ts';
import type { RoomManager } from '../room/RoomManager.ts';
import { describeParticipant, describeRoom, describeTrack, publicationsOf } from './describe.ts';
import type {
  ApiParticipant,
  ApiRoom,
  ApiRoomKind,
  ApiTrack,
  BroadcastPatch,
  DataMessage,
  NewRoom,
  ParticipantPatch,
  RoomRef,
  SubscriptionPatch,
  WaitingDecision,
} from './schemas.ts';

export interface OperationsOptions {
  readonly rooms: RoomManager;
  /** Of calls for which nobody chooses a policy. */
  readonly roomPolicy: RoomPolicy;
}

/** How long a room that the API opens may be empty before somebody joins, and after everybody has left, in seconds. */
const TIMEOUTS = { emptyTimeout: 300, departureTimeout: 20 };

/** A participant of a room, by its identity. */
export interface ParticipantRef extends RoomRef {
  readonly identity: string;
}

/** A data message of the server; `sids` are of participants. */
export interface ServerMessage extends Omit<DataMessage, 'data'> {
  readonly data: Uint8Array;
  readonly sids?: readonly string[] | undefined;
}

export class Operations {
  readonly #rooms: RoomManager;
  readonly #roomPolicy: RoomPolicy;

  constructor({ rooms, roomPolicy }: OperationsOptions) {
    this.#rooms = rooms;
    this.#roomPolicy = roomPolicy;
  }

  /** The open rooms, in the order in which they were opened. @param names all if it is missing */
  listRooms({
    kind,
    names,
  }: {
    kind?: ApiRoomKind | undefined;
    names?: readonly string[] | undefined;
  } = {}): ApiRoom[] {
    return this.#rooms.open.flatMap((room) => {
      const described = isApiKind(room.kind) ? describeRoom(room, room.kind) : undefined;
      if (!described || (kind && kind !== described.kind) || (names && !names.includes(room.name))) return [];
      return [described];
    });
  }

  /**
   * Opens a room, unless it is open.
   * @returns whether this has opened it; otherwise it is as it was
   * @throws {WeirError} `unavailable`, `busy`
   */
  async openRoom({ name, kind, policy, ...settings }: NewRoom): Promise<{ room: ApiRoom; opened: boolean }> {
    const { room, opened } = await this.#rooms.openRoom(name, kind, {
      policy: policy ?? this.#roomPolicy,
      settings: { ...TIMEOUTS, ...settings },
    });
    return { room: describeRoom(room, kind), opened };
  }

  /** @throws {WeirError} `notFound` */
  async getRoom(ref: RoomRef): Promise<ApiRoom> {
    return describeRoom(await this.#requireRoom(ref), ref.kind);
  }

  /**
   * @param check may refuse the change; it is asked with the room as it is now
   * @throws {WeirError} `notFound`, and what `check` throws
   */
  async updateRoom(
    ref: RoomRef,
    patch: RoomSettingsPatch,
    check: (room: ApiRoom) => void = () => {},
  ): Promise<ApiRoom> {
    const room = await this.#requireRoom(ref);
    check(describeRoom(room, ref.kind));
    room.updateSettings(patch);
    return describeRoom(room, ref.kind);
  }

  /** Ends a room for everybody; for a short while only administrators open it again. @throws {WeirError} `notFound` */
  async closeRoom(ref: RoomRef): Promise<void> {
    const room = await this.#requireRoom(ref);
    room.end();
  }

  /** Takes a broadcast on air, ends it, or changes its profile. @throws {WeirError} `notFound` */
  async updateBroadcast(ref: RoomRef, patch: BroadcastPatch): Promise<BroadcastInfo> {
    const { broadcast } = await this.#requireRoom(ref);
    if (!broadcast) throw new WeirError('notFound', 'This room is not a broadcast.');
    broadcast.set(patch);
    return broadcast.info;
  }

  /** Who waits to be let in. @throws {WeirError} `notFound` */
  async listWaiting(ref: RoomRef): Promise<WaitingPeers> {
    const { waitingRoom } = await this.#requireRoom(ref);
    return waitingRoom.list;
  }

  /** Lets those who wait in, or turns them away. @returns how many @throws {WeirError} `notFound` */
  async decideWaiting(ref: RoomRef, { id, admit }: WaitingDecision): Promise<number> {
    const { waitingRoom } = await this.#requireRoom(ref);
    return admit ? waitingRoom.admit(id) : waitingRoom.deny(id);
  }

  /** Everybody in the room, also those who are hidden. @throws {WeirError} `notFound` */
  async listParticipants(ref: RoomRef): Promise<ApiParticipant[]> {
    const room = await this.#requireRoom(ref);
    return room.participants.map((participant) => describeParticipant(room, participant));
  }

  /** @throws {WeirError} `notFound` */
  async getParticipant(ref: ParticipantRef): Promise<ApiParticipant> {
    const { room, participant } = await this.#requireParticipant(ref);
    return describeParticipant(room, participant);
  }

  /**
   * Changes name, metadata and grants of a participant. Its grants also apply to later joins with the same token.
   * @param check may refuse the change; it is asked with the participant as it is now
   * @throws {WeirError} `notFound`, `unsupported`, and what `check` throws
   */
  async updateParticipant(
    ref: ParticipantRef,
    { name, metadata, grants }: ParticipantPatch,
    check: (participant: ApiParticipant) => void = () => {},
  ): Promise<ApiParticipant> {
    const { room, participant } = await this.#requireParticipant(ref);
    check(describeParticipant(room, participant));
    if (name !== undefined || metadata !== undefined) room.setInfo(participant, { name, metadata });
    if (grants) room.changeGrants(participant, grants);
    return describeParticipant(room, participant);
  }

  /** Removes a participant; the tokens that it has do not open the room again. @throws {WeirError} `notFound` */
  async removeParticipant(ref: ParticipantRef): Promise<void> {
    const { room, participant } = await this.#requireParticipant(ref);
    room.remove(participant);
  }

  /** Mutes a track at the server; its publisher is notified, and may unmute it. @throws {WeirError} `notFound`, `closed` */
  async muteTrack(ref: ParticipantRef, sid: string): Promise<ApiTrack> {
    const { room, participant } = await this.#requireParticipant(ref);
    const publication = publicationsOf(room, participant).find(({ track }) => track.id === sid);
    if (!publication) throw new WeirError('notFound', 'The participant publishes no track of that sid.');
    await room.sourceModeration.mute(participant, publication.track.source);
    return describeTrack(publication);
  }

  /**
   * Whether a participant receives these tracks of others, until they end.
   * @throws {WeirError} `notFound` if there is no such track, `unsupported`, `conflict`; nothing has changed then
   */
  async updateSubscriptions(ref: ParticipantRef, { tracks, subscribed }: SubscriptionPatch): Promise<void> {
    const { room, participant } = await this.#requireParticipant(ref);
    const publications = tracks.map((sid) => requirePublication(room, sid));
    const { subscriptionControl } = room;
    for (const publication of publications) subscriptionControl.assertPossible(participant, publication);
    await Promise.all(publications.map((publication) => subscriptionControl.set(participant, publication, subscribed)));
  }

  /**
   * Sends a data message of the server: to everybody, or to those of these identities and sids.
   * @returns to how many it was sent: those of whom it is for who are there, and may receive
   * @throws {WeirError} `notFound`, `badRequest`
   */
  async sendData(ref: RoomRef, message: ServerMessage): Promise<number> {
    const room = await this.#requireRoom(ref);
    const { topic, channel, data, identities, sids } = message;
    if (!identities && !sids) return room.sendData({ channel, topic, data });
    const receivers = room.participants.filter(
      ({ id, identity }) => identities?.includes(identity) || sids?.includes(id),
    );
    return room.sendData({ channel, topic, data, participantIds: receivers.map(({ id }) => id) });
  }

  /** @throws {WeirError} `notFound` */
  async #requireRoom({ room: name, kind }: RoomRef): Promise<Room> {
    const room = await this.#rooms.find(name, kind);
    if (!room) throw new WeirError('notFound', `There is no open ${kind} of that name.`);
    return room;
  }

  /** @throws {WeirError} `notFound` */
  async #requireParticipant(ref: ParticipantRef): Promise<{ room: Room; participant: Participant }> {
    const room = await this.#requireRoom(ref);
    const participant = room.participants.find(({ identity }) => identity === ref.identity);
    if (!participant) throw new WeirError('notFound', 'There is nobody of that identity in the room.');
    return { room, participant };
  }
}

function isApiKind(kind: Room['kind']): kind is ApiRoomKind {
  return kind !== 'diagnosis';
}

/** @throws {WeirError} `notFound` */
function requirePublication(room: Room, sid: string): Publication {
  const publication = room.publications.find(({ track }) => track.id === sid);
  if (!publication) throw new WeirError('notFound', 'There is no track of that sid in the room.');
  return publication;
}
