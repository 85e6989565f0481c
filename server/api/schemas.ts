/** What the API says and takes, as schemas: rooms, participants, tracks, and the changes to them. */
import { z } from 'zod';
import { MAX_DATA_BYTES, MAX_DESTINATIONS, MAX_TOPIC } from '../../shared/dataFrame.ts';
import { MediaKind, Source, text } from '../../shared/media.ts';
import {
  BroadcastInfo,
  BroadcastProfile,
  DisplayName,
  Grants,
  GrantsPatch,
  Id,
  MAX_METADATA,
  RoomName,
  RoomPolicy,
} from '../../shared/participants.ts';
import { RoomSettings, RoomSettingsPatch } from '../../shared/roomSettings.ts';
import { gateways } from '../room/Participant.ts';

/** How many tracks one request may name. */
const MAX_TRACKS = 1000;

/** The kinds of rooms that the API has; those of a self-test are none of its business. */
export const ApiRoomKind = z.enum(['call', 'broadcast']).meta({ id: 'ApiRoomKind' });
export type ApiRoomKind = z.infer<typeof ApiRoomKind>;

const Time = z.iso.datetime();

/** A room as the API names it. */
export const RoomRef = z.strictObject({
  room: RoomName.describe('its name'),
  kind: ApiRoomKind.default('call').describe('calls and broadcasts have separate names'),
});
export type RoomRef = z.infer<typeof RoomRef>;

export const ApiRoom = z
  .object({
    sid: Id.describe('identifies this opening of the room'),
    name: z.string(),
    kind: ApiRoomKind,
    policy: RoomPolicy,
    openedAt: Time,
    participants: z.int().describe('how many are inside, with those who are hidden'),
    publishers: z.int().describe('how many of them publish something'),
    settings: RoomSettings,
    broadcast: BroadcastInfo.optional().describe('of a broadcast'),
  })
  .meta({ id: 'Room' });
export type ApiRoom = z.infer<typeof ApiRoom>;

export const ApiTrack = z
  .object({
    sid: Id,
    source: Source,
    kind: MediaKind,
    muted: z.boolean(),
    mimeType: z.string().describe('of its codec; empty where its media does not pass through the server'),
    width: z.number().optional().describe('of a video, in pixels'),
    height: z.number().optional(),
    layers: z.int().describe('how many spatial layers a video has'),
  })
  .meta({ id: 'Track' });
export type ApiTrack = z.infer<typeof ApiTrack>;

export const ApiParticipant = z
  .object({
    sid: Id.describe('identifies one session; the `peerId` of the client protocol'),
    identity: Id.describe('identifies the person or device; the same at every join'),
    name: z.string(),
    metadata: z.string(),
    joinedAt: Time,
    away: z.boolean().describe('has lost its connection, and may come back'),
    hand: z.boolean().describe('has raised a hand'),
    grants: Grants,
    gateway: z.enum(gateways).optional().describe('how it is in the room, if not by the client protocol'),
    tracks: z.array(ApiTrack),
  })
  .meta({ id: 'Participant' });
export type ApiParticipant = z.infer<typeof ApiParticipant>;

/** Missing settings are those of a room that a join opens, but for the times that it may be empty. */
export const NewRoom = z
  .strictObject({
    name: RoomName,
    kind: ApiRoomKind.default('call'),
    policy: RoomPolicy.optional().describe('how media travels in a call; the default of the server if missing'),
    ...RoomSettingsPatch.shape,
  })
  .meta({ id: 'NewRoom' });
export type NewRoom = z.infer<typeof NewRoom>;

export const ParticipantPatch = z
  .strictObject({
    name: DisplayName,
    metadata: text(MAX_METADATA).describe('empty for none'),
    grants: GrantsPatch,
  })
  .partial()
  .meta({ id: 'ParticipantPatch' });
export type ParticipantPatch = z.infer<typeof ParticipantPatch>;

export const TrackPatch = z
  .strictObject({ muted: z.literal(true).describe('nobody can be unmuted by others') })
  .meta({ id: 'TrackPatch' });

export const SubscriptionPatch = z
  .strictObject({
    tracks: z.array(Id).min(1).max(MAX_TRACKS).describe('the `sid` of tracks of other participants'),
    subscribed: z.boolean().describe('whether the participant receives them'),
  })
  .meta({ id: 'SubscriptionPatch' });
export type SubscriptionPatch = z.infer<typeof SubscriptionPatch>;

export const DataMessage = z
  .strictObject({
    topic: text(MAX_TOPIC).default(''),
    data: z
      .base64()
      .max(Math.ceil(MAX_DATA_BYTES / 3) * 4)
      .describe(`at most ${MAX_DATA_BYTES} bytes, in base64`),
    channel: z
      .enum(['reliable', 'lossy'])
      .default('reliable')
      .describe('`lossy` is not sent again, and may arrive in another order'),
    identities: z
      .array(Id)
      .max(MAX_DESTINATIONS)
      .optional()
      .describe('whom it is for; everybody who may receive, if missing'),
  })
  .meta({ id: 'DataMessage' });
export type DataMessage = z.infer<typeof DataMessage>;

export const WaitingDecision = z
  .strictObject({
    id: Id.optional().describe('of one who waits; everybody who waits if it is missing'),
    admit: z.boolean().describe('whether they are let in, or turned away'),
  })
  .meta({ id: 'WaitingDecision' });
export type WaitingDecision = z.infer<typeof WaitingDecision>;

export const BroadcastPatch = z
  .strictObject({ live: z.boolean().describe('whether it is on air'), profile: BroadcastProfile })
  .partial()
  .meta({ id: 'BroadcastPatch' });
export type BroadcastPatch = z.infer<typeof BroadcastPatch>;
