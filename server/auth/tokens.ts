/** Signs and verifies join tokens: JWT (HS256) with LiveKit's shape and grant names. */
import { createHash, randomUUID } from 'node:crypto';
import { compactVerify, SignJWT } from 'jose';
import { z } from 'zod';
import { type ErrorReason, WeirError } from '../../shared/errors.ts';
import { type Source, sources, text } from '../../shared/media.ts';
import { shortDisplayName } from '../../shared/names.ts';
import { type Grants, MAX_METADATA, MAX_NAME, type Role, type RoomKind, RoomName } from '../../shared/protocol.ts';
import { grantsOf } from '../../shared/roles.ts';
import type { PresentedToken } from './Moderation.ts';

/** How long a token lives unless it is asked otherwise, in seconds. */
export const TOKEN_LIFETIME = 600;

/** LiveKit's names of sources, and our own. */
const sourceNames: Readonly<Record<string, Source>> = {
  camera: 'camera',
  microphone: 'microphone',
  screen: 'screen',
  screen_share: 'screen',
  screenAudio: 'screenAudio',
  screen_share_audio: 'screenAudio',
};

/** A claim that may be left out; many JWT libraries write `null` for what is not there (Go, .NET, Java). */
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
  /** Weir's own: whether the room is a broadcast. Where it is not said, whoever joins says it. */
  broadcast: optional(z.boolean()),
});
/** The grants of a token. */
export type VideoGrant = Partial<z.infer<typeof VideoGrant>>;

const Claims = z.object({
  iss: optional(z.string()),
  sub: text(MAX_NAME).min(1),
  name: optional(text(MAX_METADATA)),
  metadata: optional(text(MAX_METADATA)),
  exp: z.number(),
  nbf: optional(z.number()),
  iat: optional(z.number()),
  video: VideoGrant,
});
type Claims = z.infer<typeof Claims>;

/** What somebody asks for who wants in. */
export interface AuthRequest {
  readonly room: string;
  /** Where it is not said, the token decides, and without one it is a call. */
  readonly kind?: RoomKind | undefined;
  readonly token?: string | undefined;
  /** A secret of the caller's, where nobody needs a token. */
  readonly guest?: string | undefined;
  /** What they want to be, where nobody needs a token. */
  readonly role?: Role | undefined;
}

/** Whom a join is for and what they may do. */
export interface Credentials {
  readonly kind: RoomKind;
  readonly identity: string;
  readonly name: string | undefined;
  readonly metadata: string | undefined;
  readonly grants: Grants;
  /** The token that says so; undefined on a server that runs open. */
  readonly token: PresentedToken | undefined;
}

/** A room as tokens know it. */
export interface RoomId {
  readonly kind: RoomKind;
  readonly name: string;
}

/** A token that takes the place of one that is about to expire. */
export interface FreshToken {
  readonly jwt: string;
  readonly presented: PresentedToken;
  /** How long it can be used, in milliseconds. */
  readonly lifetime: number;
}

/** Authenticates joins. */
export interface Authenticator {
  readonly kind: 'open' | 'token';
  /** @throws {WeirError} `unauthorized`, with a sentence that says what is wrong with the token */
  authenticate(application: AuthRequest): Promise<Credentials>;
  /** Signs a token for somebody who is in that room, with the grants that they have now; undefined where nobody needs one. */
  refresh(room: RoomId, who: Omit<Credentials, 'kind' | 'token'>): Promise<FreshToken | undefined>;
}

/** Everyone may enter every room, as the one who has that secret, or as somebody new. */
export function anonymousAuthenticator(): Authenticator {
  return {
    kind: 'open',
    async authenticate({ kind = 'call', guest = randomUUID(), role = kind === 'call' ? 'speaker' : 'viewer' }) {
      return {
        kind,
        identity: `guest-${createHash('sha256').update(guest).digest('base64url').slice(0, 22)}`,
        name: undefined,
        metadata: undefined,
        grants: grantsOf(role),
        token: undefined,
      };
    },
    async refresh() {
      return undefined;
    },
  };
}

export interface TokenAuthenticatorOptions {
  readonly apiKey: string;
  readonly apiSecret: string;
  /** How far clocks may differ, in milliseconds. */
  readonly leeway: number;
  /** Tokens that live longer than this from now are refused, in milliseconds. */
  readonly maxLifetime: number;
}

/** Only those with a token of this key and secret may enter, and only the room that it names. */
export function tokenAuthenticator({
  apiKey,
  apiSecret,
  leeway,
  maxLifetime,
}: TokenAuthenticatorOptions): Authenticator {
  const secret = new TextEncoder().encode(apiSecret);
  const most = (maxLifetime + leeway) / 1000;
  return {
    kind: 'token',
    async authenticate({ token, room, kind: wanted }) {
      if (token === undefined)
        throw refused('This server needs a token to join; none was sent.', { reason: 'missing' });
      const claims = await verify(token, { secret, issuer: apiKey, leeway: leeway / 1000 });
      const issuedAt = claims.iat ?? claims.nbf;
      if (issuedAt !== undefined && issuedAt > now() + leeway / 1000) {
        throw new WeirError('unauthorized', 'The token is from the future.');
      }
      // Decisions of administrators are kept for as long as this lets a token be used that was made before them.
      if (claims.exp - Math.min(now(), issuedAt ?? Number.POSITIVE_INFINITY) > most) {
        throw new WeirError('unauthorized', 'The token lives longer than this server accepts.');
      }
      if (claims.video.roomJoin !== true)
        throw new WeirError('unauthorized', 'The token does not grant joining rooms.');
      if (claims.video.room !== room) throw refused('The token is for another room.', { reason: 'otherRoom' });
      return {
        kind: kindOf(claims.video, wanted),
        identity: claims.sub,
        name: shortDisplayName(claims.name ?? '') || undefined,
        metadata: claims.metadata,
        grants: toGrants(claims.video),
        token: { id: idOf(token), issuedAt },
      };
    },
    async refresh({ kind, name: room }, { identity, name, metadata, grants }) {
      const lifetime = Math.min(TOKEN_LIFETIME, maxLifetime / 1000);
      const issuedAt = fractional(Date.now());
      const video = toVideoGrant(kind, room, grants);
      const jwt = await signToken({ apiKey, apiSecret, identity, name, metadata, video, lifetime, issuedAt });
      return { jwt, presented: { id: idOf(jwt), issuedAt }, lifetime: lifetime * 1000 };
    },
  };
}

/** Signs a token. @returns the JWT in compact form */
export function signToken(options: {
  apiKey: string;
  apiSecret: string;
  identity: string;
  name?: string | undefined;
  metadata?: string | undefined;
  video: VideoGrant;
  /** Seconds from now. */
  lifetime?: number;
  /** Unix seconds. */
  issuedAt?: number;
}): Promise<string> {
  const { apiKey, apiSecret, identity, name, metadata, video, lifetime = TOKEN_LIFETIME } = options;
  const { issuedAt = fractional(Date.now()) } = options;
  return new SignJWT({ ...(name && { name }), ...(metadata && { metadata }), video })
    .setProtectedHeader({ alg: 'HS256', typ: 'JWT' })
    .setIssuer(apiKey)
    .setSubject(identity)
    .setJti(randomUUID())
    .setIssuedAt(issuedAt)
    .setNotBefore(Math.floor(issuedAt))
    .setExpirationTime(Math.floor(issuedAt) + lifetime)
    .sign(new TextEncoder().encode(apiSecret));
}

function refused(message: string, options?: { reason: ErrorReason }): WeirError {
  return new WeirError('unauthorized', message, options);
}

/** Checks the signature first: what is not signed by us is not parsed. */
async function verify(
  token: string,
  { secret, issuer, leeway }: { secret: Uint8Array; issuer: string; leeway: number },
): Promise<Claims> {
  let payload: unknown;
  try {
    const verified = await compactVerify(token, secret, { algorithms: ['HS256'] });
    payload = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(verified.payload));
  } catch {
    throw refused('The token is not one that this server accepts.', { reason: 'invalid' });
  }
  const parsed = Claims.safeParse(payload);
  if (!parsed.success) {
    const claim = parsed.error.issues[0]?.path.join('.');
    throw refused(claim ? `The token's claim ${claim} is not as it should be.` : 'The token has no claims.');
  }
  const claims = parsed.data;
  if (claims.iss !== issuer) throw refused('The token is not one that this server accepts.', { reason: 'invalid' });
  if (claims.nbf !== undefined && claims.nbf > now() + leeway) throw refused('The token is not valid yet.');
  if (claims.exp <= now() - leeway) throw refused('The token has expired; ask for a new one.', { reason: 'expired' });
  return claims;
}

/** @throws {WeirError} `unauthorized` when the token is for the other kind */
function kindOf({ broadcast }: VideoGrant, wanted: RoomKind | undefined): RoomKind {
  const granted = broadcast === undefined ? undefined : broadcast ? 'broadcast' : 'call';
  if (granted && wanted && granted !== wanted) {
    throw refused(`The token is for a ${granted}, and this is a ${wanted}.`, { reason: 'otherRoom' });
  }
  return granted ?? wanted ?? 'call';
}

/** LiveKit's defaults: what is not said is allowed, but for `hidden` and `roomAdmin`. */
function toGrants(video: VideoGrant): Grants {
  const named = video.canPublishSources?.flatMap((name) =>
    Object.hasOwn(sourceNames, name) ? (sourceNames[name] ?? []) : [],
  );
  return {
    // Nobody is told of a hidden peer, so nobody could be offered what it publishes.
    canPublish: (video.canPublish ?? true) && !video.hidden,
    // LiveKit reads an empty list as "all sources".
    canPublishSources: named && video.canPublishSources?.length ? [...new Set(named)] : [...sources],
    canSubscribe: video.canSubscribe ?? true,
    canPublishData: video.canPublishData ?? true,
    hidden: video.hidden ?? false,
    roomAdmin: video.roomAdmin ?? false,
  };
}

/** What a token says of somebody with these grants; `toGrants` reads it the same. */
function toVideoGrant(kind: RoomKind, room: string, grants: Grants): VideoGrant {
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

/** Recognises a token that was seen before. */
function idOf(token: string): string {
  return createHash('sha256').update(token).digest('base64url');
}

/** Unix seconds that are never whole: a whole number in `iat` means any moment of that second. */
function fractional(milliseconds: number): number {
  return (milliseconds + (milliseconds % 1000 === 0 ? 0.5 : 0)) / 1000;
}

const now = () => Date.now() / 1000;
