/** The events of the event log, as plain data: one zod schema for each type, for API, webhooks and metrics alike. */
import { z } from 'zod';
import { closeReasons } from '../../../shared/closeReasons.ts';
import { errorCodes } from '../../../shared/errors.ts';
import { MediaKind, Source } from '../../../shared/media.ts';
import { Grants, RoomKind, RoomPolicy, VideoProblem } from '../../../shared/protocol.ts';
import { RoomSettings } from '../../../shared/roomSettings.ts';
import { gateways } from '../../room/Participant.ts';

/** `Object.keys` has the type `string[]`, hence the cast. */
const keysOf = <K extends string>(table: Readonly<Record<K, unknown>>) => z.enum(Object.keys(table) as K[]);

const Time = z.int().nonnegative().describe('Unix milliseconds');
const Reason = keysOf(closeReasons);

/** A room at the time of an event. */
export const LoggedRoom = z.object({
  id: z.uuid().describe('of this room from its opening to its end; one of that name that opens later has another'),
  name: z.string(),
  kind: RoomKind,
  policy: RoomPolicy,
  openedAt: Time,
  participants: z.int().nonnegative().describe('how many are in it after the event, hidden ones included'),
  publishers: z.int().nonnegative().describe('how many of them publish something'),
  settings: RoomSettings,
});
export type LoggedRoom = z.infer<typeof LoggedRoom>;

/** A participant at the time of an event; at its end, as it was last. */
export const LoggedParticipant = z.object({
  id: z.string().describe('of this stay in the room: who joins again has another'),
  identity: z.string(),
  name: z.string(),
  metadata: z.string().optional(),
  joinedAt: Time,
  gateway: z.enum(gateways).optional().describe('by which it is in the room; missing for clients of the protocol'),
  grants: Grants,
  tracks: z.int().nonnegative().describe('how many tracks it publishes after the event'),
});
export type LoggedParticipant = z.infer<typeof LoggedParticipant>;

/** A track at the time of an event. */
export const LoggedTrack = z.object({
  id: z.string(),
  source: Source,
  kind: MediaKind,
  mimeType: z.string().optional().describe('of its codec, such as `video/VP8`'),
  muted: z.boolean(),
  width: z.int().nonnegative().optional().describe('of its highest layer, in pixels; missing for audio'),
  height: z.int().nonnegative().optional(),
  layers: z.int().describe('spatial layers, from 1'),
  direct: z.boolean().describe('its media does not pass through the server'),
});
export type LoggedTrack = z.infer<typeof LoggedTrack>;

const room = LoggedRoom;
const participant = LoggedParticipant;

/** An event type: its fields, beside `id`, `time` and `type`. */
const event = <T extends string, F extends z.ZodRawShape>(type: T, meaning: string, fields: F) =>
  z
    .object({
      id: z.uuidv7().describe('unique; sorts as the events happened'),
      time: Time,
      type: z.literal(type),
      ...fields,
    })
    .describe(meaning);

/** Any event. Those that LiveKit has too have its names. */
export const LoggedEvent = z.discriminatedUnion('type', [
  event('room_started', 'A room has opened.', { room }),
  event('room_finished', 'A room has closed. Nothing of that room follows.', { room, reason: Reason }),
  event('participant_joined', 'Somebody has joined. The first event of a participant.', { room, participant }),
  event('participant_left', 'Somebody has left. Only `track_unpublished` of its tracks follows.', {
    room,
    participant,
    reason: Reason,
  }),
  event(
    'participant_connection_aborted',
    'Instead of `participant_left`: somebody who had joined has gone before a connection was complete.',
    { room, participant, reason: Reason },
  ),
  event('track_published', 'A participant publishes a track.', { room, participant, track: LoggedTrack }),
  event('track_unpublished', 'A track has ended.', { room, participant, track: LoggedTrack }),
  event('room_settings_changed', 'Settings of a room have changed; `room.settings` are the new ones.', {
    room,
    before: RoomSettings,
  }),
  event('participant_grants_changed', 'What a participant may do has changed: by an administrator, or by itself.', {
    room,
    participant,
    before: Grants,
  }),
  event('participant_away', 'A participant has lost its connection. It may come back, or leave.', {
    room,
    participant,
  }),
  event('participant_resumed', 'A participant that was away has a connection again.', { room, participant }),
  event('video_problem_found', 'Others do not see a video of a participant as they should.', {
    room,
    participant,
    problem: VideoProblem,
  }),
  event('broadcast_started', 'A broadcast has gone live.', { room }),
  event('broadcast_ended', 'A broadcast is live no longer.', { room }),
  event(
    'join_refused',
    'Somebody was not let in. More than ten of a code in a second are one event, without `room`, a second later.',
    {
      code: keysOf(errorCodes),
      refusals: z.int().positive().describe('how many this event stands for'),
      room: z.object({ name: z.string(), kind: RoomKind }).optional().describe('as requested; it may not exist'),
    },
  ),
]);
export type LoggedEvent = z.infer<typeof LoggedEvent>;
export type LoggedEventType = LoggedEvent['type'];

/** All types, in the order of the documentation. */
export const loggedEventTypes: readonly LoggedEventType[] = LoggedEvent.options.map(({ shape }) => shape.type.value);

type WithoutId<E> = E extends LoggedEvent ? Omit<E, 'id' | 'time'> : never;
/** An event that is about to be recorded: the log adds `id` and `time`. */
export type NewEvent = WithoutId<LoggedEvent>;
