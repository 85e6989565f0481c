/** The claims of a join token, in LiveKit's shape and with its grant names, and their conversion from and to Grants. */
import { z } from 'zod';
import { type Source, sources, text } from '../../shared/media.ts';
import { type Grants, MAX_METADATA, MAX_NAME, type RoomKind, RoomName, RoomPolicy } from '../../shared/protocol.ts';

/** LiveKit's names of sources, and Weir's own. */
const sourceNames: Readonly<Record<string, Source>> = {
  camera: 'camera',
  microphone: 'microphone',
  screen: 'screen',
  screen_share: 'screen',
  screenAudio: 'screenAudio',
  screen_share_audio: 'screenAudio',
};

/** An optional claim. Many JWT libraries (Go, .NET, Java) write `null` for a missing one. */
const optional = <T extends z.ZodType>(schema: T) => schema.nullish().transform((value) => value ?? undefined);

const VideoGrant = z.object({
  room: optional(RoomName),
  roomJoin: optional(z.boolean()),
  canPublish: optional(z.boolean()),
  canPublishSources: optional(z.array(z.string().max(64)).max(16)),
  canSubscribe: optional(z.boolean()),
  canPublishData: optional(z.boolean()),
  hidden: optional(z.boolean()),
  roomAdmin: optional(z.boolean()),
  /** Weir's own: true for a broadcast, false for a call. A token without it is for the kind that the client asks for. */
  broadcast: optional(z.boolean()),
  /** Weir's own: how media travels in the room, if its bearer opens it. A token without it leaves that to the server. */
  policy: optional(RoomPolicy),
});
/** The claim `video` of a token: what its bearer may do in which room. */
export type VideoGrant = Partial<z.infer<typeof VideoGrant>>;

/** What of the claim `video` is for the API alone. */
export interface AdminGrant {
  readonly roomCreate?: boolean | undefined;
  readonly roomList?: boolean | undefined;
}

export const Claims = z.object({
  iss: optional(z.string()),
  sub: text(MAX_NAME).min(1),
  name: optional(text(MAX_METADATA)),
  metadata: optional(text(MAX_METADATA)),
  exp: z.number(),
  nbf: optional(z.number()),
  iat: optional(z.number()),
  video: VideoGrant,
});
export type Claims = z.infer<typeof Claims>;

/** The kind of room that a token is for; undefined where it is for either. */
export function grantedKind({ broadcast }: VideoGrant): RoomKind | undefined {
  if (broadcast === undefined) return undefined;
  return broadcast ? 'broadcast' : 'call';
}

/** The grants of a token, with LiveKit's defaults: a missing grant is true, but `hidden` and `roomAdmin` are false. */
export function toGrants(video: VideoGrant): Grants {
  const named = video.canPublishSources?.flatMap((name) =>
    Object.hasOwn(sourceNames, name) ? (sourceNames[name] ?? []) : [],
  );
  return {
    // Nobody is told of a hidden peer, so nobody could subscribe to what it publishes.
    canPublish: (video.canPublish ?? true) && !video.hidden,
    // LiveKit reads an empty list as "all sources".
    canPublishSources: named && video.canPublishSources?.length ? [...new Set(named)] : [...sources],
    canSubscribe: video.canSubscribe ?? true,
    canPublishData: video.canPublishData ?? true,
    hidden: video.hidden ?? false,
    roomAdmin: video.roomAdmin ?? false,
  };
}

/** The claim `video` for somebody with these grants in that room: the inverse of `toGrants`. */
export function toVideoGrant(kind: RoomKind, room: string, grants: Grants): VideoGrant {
  const { canPublish, canPublishSources, canSubscribe, canPublishData, hidden, roomAdmin } = grants;
  return {
    room,
    roomJoin: true,
    broadcast: kind === 'broadcast',
    canPublish,
    // An empty list would mean all sources; no source has this name.
    canPublishSources: canPublishSources.length > 0 ? canPublishSources : ['none'],
    canSubscribe,
    canPublishData,
    // In a broadcast it follows from `canPublish`.
    hidden: kind === 'call' && hidden,
    roomAdmin,
  };
}
