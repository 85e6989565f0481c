/** An event of the event log as the body of a webhook: the JSON of LiveKit's `WebhookEvent`, with Weir's own fields in `weir`. */
import type { CloseReason } from '../../../shared/closeReasons.ts';
import type { Source } from '../../../shared/media.ts';
import { roomKey } from '../../common/roomKey.ts';
import type { LoggedEvent, LoggedParticipant, LoggedRoom, LoggedTrack } from '../events/LoggedEvent.ts';

/** LiveKit's names (`TrackSource`). */
const sources: Readonly<Record<Source, string>> = {
  camera: 'CAMERA',
  microphone: 'MICROPHONE',
  screen: 'SCREEN_SHARE',
  screenAudio: 'SCREEN_SHARE_AUDIO',
};

/** LiveKit's names (`DisconnectReason`) for why somebody has left. */
const disconnectReasons: Readonly<Record<CloseReason, string>> = {
  left: 'CLIENT_INITIATED',
  replaced: 'DUPLICATE_IDENTITY',
  kicked: 'PARTICIPANT_REMOVED',
  serverClosing: 'SERVER_SHUTDOWN',
  roomClosed: 'ROOM_CLOSED',
  roomEnded: 'ROOM_DELETED',
  mediaLost: 'MEDIA_FAILURE',
  protocolError: 'STATE_MISMATCH',
  rateLimited: 'STATE_MISMATCH',
  joinTimeout: 'JOIN_FAILURE',
  unresponsive: 'CONNECTION_TIMEOUT',
  sendBufferFull: 'CONNECTION_TIMEOUT',
  tooManyConnections: 'JOIN_FAILURE',
  mediaFailed: 'MEDIA_FAILURE',
  resumed: 'SIGNAL_CLOSE',
  abandoned: 'SIGNAL_CLOSE',
  originNotAllowed: 'JOIN_FAILURE',
  disconnected: 'SIGNAL_CLOSE',
};

/** The types that end a participant. */
const ends: readonly string[] = ['participant_left', 'participant_connection_aborted'];

/** @returns plain data for `JSON.stringify`. As in protobuf's JSON, 64-bit integers are strings */
export function webhookEvent(event: LoggedEvent): Record<string, unknown> {
  const { id, time, type, room, participant, track, ...details }: Common = event;
  const reason = 'reason' in event ? event.reason : undefined;
  return {
    event: type,
    id,
    createdAt: String(Math.floor(time / 1000)),
    ...(room && { room: 'id' in room ? describeRoom(room) : { name: roomKey(room.kind, room.name) } }),
    ...(participant && { participant: describeParticipant(participant, ends.includes(type) ? reason : undefined) }),
    ...(track && { track: describeTrack(track) }),
    weir: {
      time,
      ...(room && { kind: room.kind, ...('id' in room && { policy: room.policy }) }),
      ...(participant && { roomAdmin: participant.grants.roomAdmin }),
      ...details,
    },
  };
}

/** What any event may have. */
interface Common extends Pick<LoggedEvent, 'id' | 'time' | 'type' | 'room'> {
  readonly participant?: LoggedParticipant;
  readonly track?: LoggedTrack;
}

/** Named as LiveKit's API and tokens name it here. */
function describeRoom({ id, kind, name, openedAt, participants, publishers, settings }: LoggedRoom) {
  return {
    sid: id,
    name: roomKey(kind, name),
    emptyTimeout: settings.emptyTimeout,
    departureTimeout: settings.departureTimeout,
    maxParticipants: settings.maxParticipants,
    creationTime: String(Math.floor(openedAt / 1000)),
    creationTimeMs: String(openedAt),
    metadata: settings.metadata,
    numParticipants: participants,
    numPublishers: publishers,
  };
}

/** @param left why it has left, where this is its end */
function describeParticipant(participant: LoggedParticipant, left: CloseReason | undefined) {
  const { id, identity, name, metadata = '', joinedAt, grants, tracks } = participant;
  const { canPublish, canPublishSources, canSubscribe, canPublishData, hidden } = grants;
  return {
    sid: id,
    identity,
    name,
    metadata,
    state: left ? 'DISCONNECTED' : 'ACTIVE',
    joinedAt: String(Math.floor(joinedAt / 1000)),
    joinedAtMs: String(joinedAt),
    isPublisher: tracks > 0,
    permission: {
      ...{ canPublish, canSubscribe, canPublishData, hidden },
      canPublishSources: canPublishSources.map((source) => sources[source]),
    },
    ...(left && { disconnectReason: disconnectReasons[left] }),
  };
}

function describeTrack({ id, source, kind, mimeType = '', muted, width, height, layers }: LoggedTrack) {
  return {
    sid: id,
    name: source,
    type: kind === 'video' ? 'VIDEO' : 'AUDIO',
    source: sources[source],
    mimeType,
    muted,
    ...(width !== undefined && { width, height }),
    simulcast: layers > 1,
  };
}
