/** Rooms, participants and tracks, as the API says them. */
import type { Participant } from '../room/Participant.ts';
import type { Publication } from '../room/Publication.ts';
import type { Room } from '../room/Room.ts';
import type { ApiParticipant, ApiRoom, ApiRoomKind, ApiTrack } from './schemas.ts';

/** @param kind of the room */
export function describeRoom(room: Room, kind: ApiRoomKind): ApiRoom {
  const publishers = new Set(room.publications.map(({ track }) => track.peerId));
  return {
    sid: room.id,
    name: room.name,
    kind,
    policy: room.policy,
    openedAt: room.openedAt.toISOString(),
    participants: room.size,
    publishers: publishers.size,
    settings: room.settings,
    ...(room.broadcast && { broadcast: room.broadcast.info }),
  };
}

export function describeParticipant(room: Room, participant: Participant): ApiParticipant {
  const { id, info, grants, gateway } = participant;
  return {
    sid: id,
    identity: participant.identity,
    name: info.name,
    metadata: info.metadata ?? '',
    joinedAt: (room.joinedAt(participant) ?? room.openedAt).toISOString(),
    away: info.away,
    hand: info.hand,
    grants,
    ...(gateway && { gateway }),
    tracks: publicationsOf(room, participant).map(describeTrack),
  };
}

/** What a participant publishes. */
export function publicationsOf(room: Room, { id }: Participant): Publication[] {
  return room.publications.filter(({ track }) => track.peerId === id);
}

export function describeTrack({ track }: Publication): ApiTrack {
  const { id: sid, source, kind, paused: muted, mimeTypes, size, layers } = track;
  const video = kind === 'video' ? { width: size.width, height: size.height } : {};
  return { sid, source, kind, muted, mimeType: mimeTypes[0] ?? '', ...video, layers };
}
