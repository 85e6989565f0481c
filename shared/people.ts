/** Owns who is in a room as the protocol tells it: names, grants and roles, and what there is to a broadcast. */
import { z } from 'zod';
import { Source, text } from './media.ts';

/** How long an id, a name or a room's name may be, in characters (code points). */
export const MAX_NAME = 256;
/** How large a peer's metadata may be, in characters (code points). */
export const MAX_METADATA = 16 * 1024;

export const Id = text(MAX_NAME).min(1);

/** A room's name: 1 to 256 characters, no control characters, no slash, no space at either end. */
export const RoomName = text(MAX_NAME).regex(/^(?!\s|\.{1,2}$)[^/\p{Cc}]+(?<!\s)$/u, {
  error:
    'is not a room name: 1 to 256 characters, without slashes, control characters or outer spaces, and not . or ..',
});

/** A name that people see. */
export const DisplayName = text(MAX_NAME)
  .transform((name) => name.trim())
  .pipe(z.string().min(1, { error: 'is empty' }));

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
export const GrantsChange = z
  .strictObject({
    canPublish: z.boolean(),
    canPublishSources: z.array(Source).max(8),
    canSubscribe: z.boolean(),
    canPublishData: z.boolean(),
    roomAdmin: z.boolean(),
  })
  .partial()
  .meta({ id: 'GrantsChange' });
export type GrantsChange = z.infer<typeof GrantsChange>;

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
  })
  .meta({ id: 'BroadcastInfo' });
export type BroadcastInfo = z.infer<typeof BroadcastInfo>;

/** So many raised hands are named. */
export const MAX_HANDS = 50;

/** Viewers of a broadcast who want to speak, in the order in which they raised their hands; for its administrators. */
export const Hands = z
  .object({
    total: z.int(),
    first: z.array(
      z.object({ peerId: Id, identity: Id, name: z.string(), invited: z.boolean().describe('and has not answered') }),
    ),
  })
  .meta({ id: 'Hands' });
export type Hands = z.infer<typeof Hands>;
