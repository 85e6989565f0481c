/** Owns join tokens: JWT (HS256) with LiveKit's shape and grant names, made and checked. */
import { createHash, randomUUID } from 'node:crypto';
import { errors, jwtVerify, SignJWT } from 'jose';
import { z } from 'zod';
import { WeirError } from '../../shared/errors.ts';
import { type Source, sources, text } from '../../shared/media.ts';
import { type Grants, MAX_METADATA, MAX_NAME, type Role, type RoomKind } from '../../shared/protocol.ts';
import { grantsOf } from '../../shared/roles.ts';

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

const VideoGrant = z.object({
  room: text(MAX_NAME).optional(),
  roomJoin: z.boolean().optional(),
  canPublish: z.boolean().optional(),
  canPublishSources: z.array(z.string().max(64)).max(16).optional(),
  canSubscribe: z.boolean().optional(),
  canPublishData: z.boolean().optional(),
  hidden: z.boolean().optional(),
  roomAdmin: z.boolean().optional(),
  /** Weir's own: whether the room is a broadcast. Where it is not said, whoever joins says it. */
  broadcast: z.boolean().optional(),
});
export type VideoGrant = z.infer<typeof VideoGrant>;

const Claims = z.object({
  sub: text(MAX_NAME).min(1),
  name: text(MAX_NAME).optional(),
  metadata: text(MAX_METADATA).optional(),
  exp: z.number(),
  nbf: z.number().optional(),
  iat: z.number().optional(),
  video: VideoGrant,
});

/** What somebody asks for who wants in. */
export interface Application {
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
  /** When the token was made, in Unix seconds; it counts against a removal from the room. */
  readonly issuedAt: number;
}

/** A room as tokens know it. */
export interface RoomId {
  readonly kind: RoomKind;
  readonly name: string;
}

/** Who decides whether a join may be. */
export interface Gate {
  readonly kind: 'open' | 'token';
  /** @throws {WeirError} `unauthorized`, with a sentence that says what is wrong with the token */
  admit(application: Application): Promise<Credentials>;
  /** From now on refuses tokens of this identity for this room that were made until now. */
  revoke(room: RoomId, identity: string): void;
  /** @throws {WeirError} `unauthorized` when it has been revoked since `admit` */
  recheck(credentials: Credentials, room: string): void;
}

/** Everyone may enter every room, as the one who has that secret, or as somebody new. */
export function openGate(): Gate {
  return {
    kind: 'open',
    async admit({ kind = 'call', guest = randomUUID(), role = kind === 'call' ? 'speaker' : 'viewer' }) {
      return {
        kind,
        identity: `guest-${createHash('sha256').update(guest).digest('base64url').slice(0, 22)}`,
        name: undefined,
        metadata: undefined,
        grants: grantsOf(role),
        // What an administrator decides in here holds against everyone who only says what they want to be.
        issuedAt: 0,
      };
    },
    revoke() {},
    recheck() {},
  };
}

export interface TokenGateOptions {
  readonly apiKey: string;
  readonly apiSecret: string;
  /** How far clocks may differ, in milliseconds. */
  readonly leeway: number;
  /** Tokens that live longer than this from now are refused, in milliseconds. */
  readonly maxLifetime: number;
}

/** Only those with a token of this key and secret may enter, and only the room that it names. */
export function tokenGate({ apiKey, apiSecret, leeway, maxLifetime }: TokenGateOptions): Gate {
  const secret = new TextEncoder().encode(apiSecret);
  // Removed at (Unix seconds) by room and identity. No token outlives `maxLifetime`, so neither need an entry.
  const removals = new Map<string, number>();
  const keyOf = ({ kind, name }: RoomId, identity: string) => JSON.stringify([kind, name, identity]);

  const recheck = ({ kind, identity, issuedAt }: Credentials, name: string) => {
    const removedAt = removals.get(keyOf({ kind, name }, identity));
    // Whoever made the token may have a clock that is ahead.
    if (removedAt !== undefined && issuedAt <= removedAt + leeway / 1000) {
      throw new WeirError('unauthorized', 'You were removed from this room; this token no longer opens it.');
    }
  };

  return {
    kind: 'token',
    async admit({ token, room, kind: wanted }) {
      if (token === undefined) throw new WeirError('unauthorized', 'This server needs a token to join; none was sent.');
      const claims = await verify(token, secret, apiKey, leeway);
      if (claims.exp - now() > (maxLifetime + leeway) / 1000) {
        throw new WeirError('unauthorized', 'The token lives longer than this server accepts.');
      }
      if (claims.video.roomJoin !== true)
        throw new WeirError('unauthorized', 'The token does not grant joining rooms.');
      if (claims.video.room !== room) throw new WeirError('unauthorized', 'The token is for another room.');
      const kind = kindOf(claims.video, wanted);
      const issuedAt = claims.iat ?? claims.nbf ?? 0;
      if (issuedAt > now() + leeway / 1000) throw new WeirError('unauthorized', 'The token is from the future.');
      const credentials: Credentials = {
        kind,
        identity: claims.sub,
        name: claims.name?.trim() || undefined,
        metadata: claims.metadata,
        grants: toGrants(claims.video),
        issuedAt,
      };
      recheck(credentials, room);
      return credentials;
    },
    revoke(room, identity) {
      const oldest = now() - (maxLifetime + leeway) / 1000;
      for (const [key, removedAt] of removals) {
        if (removedAt < oldest) removals.delete(key);
      }
      removals.set(keyOf(room, identity), now());
    },
    recheck,
  };
}

/** Makes a token. @returns the JWT in compact form */
export function signToken(options: {
  apiKey: string;
  apiSecret: string;
  identity: string;
  name?: string;
  metadata?: string;
  video: VideoGrant;
  /** Seconds from now. */
  lifetime?: number;
}): Promise<string> {
  const { apiKey, apiSecret, identity, name, metadata, video, lifetime = TOKEN_LIFETIME } = options;
  return new SignJWT({ ...(name && { name }), ...(metadata && { metadata }), video })
    .setProtectedHeader({ alg: 'HS256', typ: 'JWT' })
    .setIssuer(apiKey)
    .setSubject(identity)
    .setIssuedAt()
    .setNotBefore('0s')
    .setExpirationTime(`${lifetime}s`)
    .sign(new TextEncoder().encode(apiSecret));
}

async function verify(token: string, secret: Uint8Array, issuer: string, leeway: number) {
  try {
    const { payload } = await jwtVerify(token, secret, {
      algorithms: ['HS256'],
      issuer,
      clockTolerance: leeway / 1000,
      requiredClaims: ['exp', 'sub'],
    });
    return Claims.parse(payload);
  } catch (error) {
    throw new WeirError('unauthorized', refusal(error));
  }
}

/** What is wrong with a token, in words that help its owner and tell nothing to a forger. */
function refusal(error: unknown): string {
  if (error instanceof errors.JWTExpired) return 'The token has expired; ask for a new one.';
  if (error instanceof errors.JWTClaimValidationFailed && error.claim === 'nbf') return 'The token is not valid yet.';
  if (error instanceof z.ZodError)
    return `The token's claim ${error.issues[0]?.path.join('.')} is not as it should be.`;
  return 'The token is not one that this server accepts.';
}

/** @throws {WeirError} `unauthorized` when the token is for the other kind */
function kindOf({ broadcast }: VideoGrant, wanted: RoomKind | undefined): RoomKind {
  const granted = broadcast === undefined ? undefined : broadcast ? 'broadcast' : 'call';
  if (granted && wanted && granted !== wanted) {
    throw new WeirError('unauthorized', `The token is for a ${granted}, and this is a ${wanted}.`);
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

const now = () => Math.floor(Date.now() / 1000);
