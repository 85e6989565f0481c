/** Owns who is in a room as the protocol tells it: names, grants and roles, and what there is to a broadcast. */
import { z } from 'zod';
import { Source, text } from './media.ts';
import { canonicalRoomName, displayName, graphemes, MAX_DISPLAY_NAME, MAX_ROOM_NAME } from './names.ts';

/** How long an id may be, in characters (code points). */
export const MAX_NAME = 256;
/** How large a peer's metadata may be, in characters (code points). */
export const MAX_METADATA = 16 * 1024;

/** A name as it is written, in code units, before what shows nothing is removed: a family of emoji alone takes 25. */
const MAX_RAW_NAME = 32 * MAX_DISPLAY_NAME;
const NAME_TOO_LONG = `A name may have up to ${MAX_DISPLAY_NAME} characters.`;
const ROOM_NAME_RULE = `A room's name has 1 to ${MAX_ROOM_NAME} characters that can be seen, without slashes and control characters, and is neither a dot nor two.`;

export const Id = text(MAX_NAME).min(1);

/** A room's name, in its one form: see `canonicalRoomName`. */
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

/** A name that people see, without what shows nothing: see `displayName`. */
export const DisplayName = z
  .string()
  .max(MAX_RAW_NAME, { error: NAME_TOO_LONG })
  .refine((name) => name.isWellFormed(), { error: 'A name is text without lone surrogates.' })
  .transform(displayName)
  .pipe(
    z
      .string()
      .min(1, { error: 'A name needs a letter, a digit or a sign that can be seen.' })
      .refine((name) => graphemes(name).length <= MAX_DISPLAY_NAME, { error: NAME_TOO_LONG }),
  );

const SourceState = z.enum(['live', 'paused']).describe('`paused`: muted by its publisher');

/** What a peer publishes now, by source; a source that is missing is off. */
export const SourceStates = z.partialRecord(Source, SourceState).meta({ id: 'SourceStates' });
export type SourceStates = z.infer<typeof SourceStates>;

/** A passing sign that the others see. */
export const Reaction = z.enum(['thumbsUp', 'heart', 'clap', 'laugh', 'party', 'surprised']).meta({ id: 'Reaction' });
export type Reaction = z.infer<typeof Reaction>;

/** A member of a room, as the others see it. */
export const PeerInfo = z
  .object({
    peerId: Id.describe('of this one join'),
    identity: Id.describe('of the person or device; the same at every join'),
    name: z.string(),
    metadata: z.string().optional().describe("the application's own text, from the token"),
    sources: SourceStates,
    hand: z.boolean().describe('it has raised a hand'),
    away: z.boolean().describe('its connection is lost, and it may yet come back'),
  })
  .meta({ id: 'PeerInfo' });
export type PeerInfo = z.infer<typeof PeerInfo>;

/** What the token lets a peer do. */
export const Grants = z
  .object({
    canPublish: z.boolean(),
    canPublishSources: z.array(Source).describe('the sources that it may publish when `canPublish` holds'),
    canSubscribe: z.boolean(),
    canPublishData: z.boolean(),
    hidden: z.boolean().describe('the others are not told of this peer'),
    roomAdmin: z.boolean().describe('may remove other peers, change what they may do, and run a broadcast'),
  })
  .meta({ id: 'Grants' });
export type Grants = z.infer<typeof Grants>;

/** What an administrator changes of somebody's grants; what is missing stays. */
export const GrantsPatch = z
  .strictObject({
    canPublish: z.boolean(),
    canPublishSources: z.array(Source).max(8),
    canSubscribe: z.boolean(),
    canPublishData: z.boolean(),
    roomAdmin: z.boolean(),
  })
  .partial()
  .meta({ id: 'GrantsChange' });
export type GrantsPatch = z.infer<typeof GrantsPatch>;

/** A call is among all who are in it; in a broadcast few are on the stage, and many watch whom nobody is told of. */
export const RoomKind = z.enum(['call', 'broadcast']).meta({ id: 'RoomKind' });
export type RoomKind = z.infer<typeof RoomKind>;

/** A host publishes and administers, a speaker publishes, a viewer watches. */
export const Role = z.enum(['host', 'speaker', 'viewer']).meta({ id: 'Role' });
export type Role = z.infer<typeof Role>;

/** How soon a broadcast is played: `lowLatency` at once, `smooth` late enough for the network to have its moods. */
export const BroadcastProfile = z.enum(['lowLatency', 'smooth']).meta({ id: 'BroadcastProfile' });
export type BroadcastProfile = z.infer<typeof BroadcastProfile>;

/** A broadcast as everyone in it sees it. */
export const BroadcastInfo = z
  .object({
    state: z.enum(['before', 'live', 'ended']).describe('viewers receive media while it is `live`'),
    liveSeconds: z.number().describe('how long it has been live, or was'),
    viewers: z.int().describe('how many watch'),
    profile: BroadcastProfile,
    unattended: z
      .boolean()
      .optional()
      .describe('it is live and no administrator is there: whoever is on the stage may end it'),
  })
  .meta({ id: 'BroadcastInfo' });
export type BroadcastInfo = z.infer<typeof BroadcastInfo>;

/** So many raised hands are named. */
export const MAX_HANDS = 50;

/** Viewers of a broadcast who want to speak, in the order in which they raised their hands; for its administrators. */
export const RaisedHands = z
  .object({
    total: z.int(),
    first: z.array(
      z.object({ peerId: Id, identity: Id, name: z.string(), invited: z.boolean().describe('and has not answered') }),
    ),
  })
  .meta({ id: 'Hands' });
export type RaisedHands = z.infer<typeof RaisedHands>;
