/** Rooms, participants and tracks in LiveKit's messages, and its permissions as grants. */
import {
  ParticipantInfo,
  ParticipantInfo_Kind,
  ParticipantInfo_State,
  ParticipantPermission,
  Room,
  TrackInfo,
  TrackSource,
  TrackType,
} from '@livekit/protocol';
import { type Source, sources } from '../../../shared/media.ts';
import type { Grants, GrantsPatch } from '../../../shared/protocol.ts';
import { roomKey } from '../../common/roomKey.ts';
import type { ApiParticipant, ApiRoom, ApiTrack } from '../schemas.ts';

const trackSources: Readonly<Record<Source, TrackSource>> = {
  camera: TrackSource.CAMERA,
  microphone: TrackSource.MICROPHONE,
  screen: TrackSource.SCREEN_SHARE,
  screenAudio: TrackSource.SCREEN_SHARE_AUDIO,
};

export function toLiveKitRoom({ sid, kind, name, openedAt, participants, publishers, settings }: ApiRoom): Room {
  const { metadata, maxParticipants, emptyTimeout, departureTimeout } = settings;
  return new Room({
    sid,
    name: roomKey(kind, name),
    metadata,
    maxParticipants,
    emptyTimeout,
    departureTimeout,
    numParticipants: participants,
    numPublishers: publishers,
    ...timesOf('creationTime', openedAt),
  });
}

export function toLiveKitParticipant(participant: ApiParticipant): ParticipantInfo {
  const { sid, identity, name, metadata, joinedAt, grants, gateway, tracks } = participant;
  return new ParticipantInfo({
    sid,
    identity,
    name,
    metadata,
    kind: gateway ? ParticipantInfo_Kind.INGRESS : ParticipantInfo_Kind.STANDARD,
    state: ParticipantInfo_State.ACTIVE,
    permission: toPermission(grants),
    isPublisher: tracks.length > 0,
    tracks: tracks.map(toLiveKitTrack),
    ...timesOf('joinedAt', joinedAt),
  });
}

export function toLiveKitTrack({ sid, source, kind, muted, mimeType, width, height, layers }: ApiTrack): TrackInfo {
  return new TrackInfo({
    sid,
    type: kind === 'audio' ? TrackType.AUDIO : TrackType.VIDEO,
    source: trackSources[source],
    name: source,
    muted,
    mimeType,
    width: Math.round(width ?? 0),
    height: Math.round(height ?? 0),
    simulcast: layers > 1,
  });
}

/** All permissions are set at once; one that is missing is false. Of sources, none stands for all. */
export function toGrantsPatch(permission: ParticipantPermission): GrantsPatch {
  const { canPublish, canPublishSources, canSubscribe, canPublishData } = permission;
  const named = sources.filter((source) => canPublishSources.includes(trackSources[source]));
  return {
    canPublish,
    canPublishSources: canPublishSources.length > 0 ? named : [...sources],
    canSubscribe,
    canPublishData,
  };
}

function toPermission(grants: Grants): ParticipantPermission {
  const { canPublish, canPublishSources, canSubscribe, canPublishData, hidden } = grants;
  return new ParticipantPermission({
    canPublish,
    canPublishSources: canPublishSources.map((source) => trackSources[source]),
    canSubscribe,
    canPublishData,
    hidden,
  });
}

/** A time in seconds and in milliseconds. */
function timesOf<Name extends 'creationTime' | 'joinedAt'>(name: Name, time: string) {
  const milliseconds = Date.parse(time);
  return { [name]: BigInt(Math.floor(milliseconds / 1000)), [`${name}Ms`]: BigInt(milliseconds) };
}
