/** The participants of a room in the protocol: names, peers, grants and roles, and the state of a broadcast. */
import { z } from 'zod';
import { Source, text } from './media.ts';
import { canonicalRoomName, displayName, graphemes, MAX_DISPLAY_NAME, MAX_ROOM_NAME } from './names.ts';

/** Maximum length of an id, in code points. */
export const MAX_NAME = 256;
/** Maximum length of a peer's metadata, in code points. */
export const MAX_METADATA = 16 * 1024;

/** Maximum length of a name before invisible characters are removed, in code units. One family emoji alone takes 25. */
const MAX_RAW_NAME = 32 * MAX_DISPLAY_NAME;
const NAME_TOO_LONG = `A name may have up to ${MAX_DISPLAY_NAME} characters.`;
const ROOM_NAME_RULE = `A room name has 1 to ${MAX_ROOM_NAME} visible characters, no slashes or control characters, and is not "." or "..".`;

export const Id = text(MAX_NAME).min(1);

/** A room name, in its canonical form: see `canonicalRoomName`. */
export const RoomName = z
  .string()
  .max(4 * MAX_ROOM_NAME, { error: ROOM_NAME_RULE })
  .transform((name, context) => {
    const canonical = canonicalRoomName(name);
    if (canonical !== undefined) return canonical;
    context.addIssue({ code: 'custom', message: ROOM_NAME_RULE });
    return z.NEVER;
  })
  .pipe(z.string());

/** A display name, without invisible characters: see `displayName`. */
export const DisplayName = z
  .string()
  .max(MAX_RAW_NAME, { error: NAME_TOO_LONG })
  .refine((name) => name.isWellFormed(), { error: 'A name must not contain lone surrogates.' })
  .transform(displayName)
  .pipe(
    z
      .string()
      .min(1, { error: 'A name needs a visible letter, digit or symbol.' })
      .refine((name) => graphemes(name).length <= MAX_DISPLAY_NAME, { error: NAME_TOO_LONG }),
  );

const SourceState = z.enum(['live', 'paused']).describe('`paused`: muted by its publisher');

/** What a peer publishes now, by source. A missing source is not published. */
export const SourceStates = z.partialRecord(Source, SourceState).meta({ id: 'SourceStates' });
export type SourceStates = z.infer<typeof SourceStates>;

/** The display name of the administrator who did something; missing where no participant did. */
export const ModeratorName = z
  .string()
  .optional()
  .describe('display name of the administrator, if one in the room did it');

/** A source of a client that an administrator has muted or stopped. */
export const SourceModeration = z.object({ source: Source, by: ModeratorName }).meta({ id: 'SourceModeration' });
export type SourceModeration = z.infer<typeof SourceModeration>;

/** An emoji that is shown to the others for a moment. */
export const Reaction = z.enum(['thumbsUp', 'heart', 'clap', 'laugh', 'party', 'surprised']).meta({ id: 'Reaction' });
export type Reaction = z.infer<typeof Reaction>;

/** What is wrong with a video that is published, so that others do not see it as they should. */
export const VideoProblem = z
  .enum(['bFrames'])
  .describe('`bFrames`: its H.264 has B-frames, which browsers show out of order; its encoder has to be set to none')
  .meta({ id: 'VideoProblem' });
export type VideoProblem = z.infer<typeof VideoProblem>;

/** A peer, as the others see it. */
export const PeerInfo = z
  .object({
    peerId: Id.describe('identifies one session'),
    identity: Id.describe('identifies the person or device; the same at every join'),
    name: z.string(),
    metadata: z.string().optional().describe('application data from the token'),
    sources: SourceStates,
    hand: z.boolean().describe('has raised a hand'),
    away: z.boolean().describe('has lost its connection, and may come back'),
    canExchangeData: z
      .boolean()
      .default(true)
      .describe('may send and receive data messages, both of which a file transfer needs'),
    videoProblem: VideoProblem.optional(),
  })
  .meta({ id: 'PeerInfo' });
export type PeerInfo = z.infer<typeof PeerInfo>;

/** What a peer may do. */
export const Grants = z
  .object({
    canPublish: z.boolean(),
    canPublishSources: z.array(Source).describe('the sources that it may publish if `canPublish` is true'),
    canSubscribe: z.boolean(),
    canPublishData: z.boolean(),
    hidden: z.boolean().describe('other peers do not see this peer'),
    roomAdmin: z
      .boolean()
      .describe('may remove and mute other peers, change their grants, end the room, and control a broadcast'),
  })
  .meta({ id: 'Grants' });
export type Grants = z.infer<typeof Grants>;

/** The grants that an administrator changes; missing ones stay as they are. */
export const GrantsPatch = z
  .strictObject({
    canPublish: z.boolean(),
    canPublishSources: z.array(Source).max(8),
    canSubscribe: z.boolean(),
    canPublishData: z.boolean(),
    roomAdmin: z.boolean(),
  })
  .partial()
  .meta({ id: 'GrantsPatch' });
export type GrantsPatch = z.infer<typeof GrantsPatch>;

/**
 * In a call everyone may publish. In a broadcast a few peers on the stage do, for many hidden viewers. A diagnosis is for a
 * client that tests its own connection: it needs no token, and has at most two peers from one network, for a minute.
 */
export const RoomKind = z.enum(['call', 'broadcast', 'diagnosis']).meta({ id: 'RoomKind' });
export type RoomKind = z.infer<typeof RoomKind>;

/**
 * How media travels in a room. `sfu`: through the server. `auto`: directly between two who are alone, otherwise through
 * the server. `p2p`: directly between all, of whom there are at most six. Direct media shows the others one's IP address.
 */
export const RoomPolicy = z.enum(['sfu', 'auto', 'p2p']).meta({ id: 'RoomPolicy' });
export type RoomPolicy = z.infer<typeof RoomPolicy>;

/** A host publishes and administers, a speaker publishes, a viewer receives only. */
export const Role = z.enum(['host', 'speaker', 'viewer']).meta({ id: 'Role' });
export type Role = z.infer<typeof Role>;

/** The playback delay of a broadcast: `lowLatency` is minimal, `smooth` a second more, in which losses are repaired. */
export const BroadcastProfile = z.enum(['lowLatency', 'smooth']).meta({ id: 'BroadcastProfile' });
export type BroadcastProfile = z.infer<typeof BroadcastProfile>;

/** The state of a broadcast. */
export const BroadcastInfo = z
  .object({
    state: z.enum(['before', 'live', 'ended']).describe('viewers receive media while it is `live`'),
    liveSeconds: z.number().describe('how long it has been live, or was until it ended'),
    viewers: z.int().describe('number of viewers'),
    profile: BroadcastProfile,
    unattended: z
      .boolean()
      .optional()
      .describe('it is live without an administrator: everyone on the stage may end it'),
  })
  .meta({ id: 'BroadcastInfo' });
export type BroadcastInfo = z.infer<typeof BroadcastInfo>;

/** How many raised hands are listed. */
export const MAX_HANDS = 50;

/** Viewers of a broadcast who have raised a hand, earliest first; for administrators. */
export const RaisedHands = z
  .object({
    total: z.int(),
    first: z.array(
      z.object({
        peerId: Id,
        identity: Id,
        name: z.string(),
        invited: z.boolean().describe('has been invited, and has not answered'),
      }),
    ),
  })
  .meta({ id: 'RaisedHands' });
export type RaisedHands = z.infer<typeof RaisedHands>;
