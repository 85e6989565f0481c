/** The authenticator of a server with tokens: a token of its key and secret opens the one room that it names. */
import { shortDisplayName } from '../../shared/names.ts';
import type { Authenticator, AuthRequest, Credentials } from './Authenticator.ts';
import { type Claims, grantedKind, toGrants, toVideoGrant } from './claims.ts';
import {
  issuedAt,
  issueTime,
  signToken,
  TOKEN_LIFETIME,
  tokenId,
  unauthorized,
  type VerifyOptions,
  verifyToken,
} from './tokens.ts';

export function tokenAuthenticator(options: VerifyOptions): Authenticator {
  const { apiKey, apiSecret, maxLifetime } = options;
  return {
    kind: 'token',
    async authenticate(request) {
      const { token } = request;
      if (token === undefined) throw unauthorized('This server requires a token to join; none was sent.', 'missing');
      return credentialsOf(await verifyToken(token, options), request, tokenId(token));
    },
    async refresh({ kind, name: room }, { identity, name, metadata, grants, policy }) {
      const lifetime = Math.min(TOKEN_LIFETIME, maxLifetime / 1000);
      const now = issueTime(Date.now());
      const video = { ...toVideoGrant(kind, room, grants), ...(policy && { policy }) };
      const jwt = await signToken({ apiKey, apiSecret, identity, name, metadata, video, lifetime, issuedAt: now });
      return { jwt, presented: { id: tokenId(jwt), issuedAt: now }, lifetime: lifetime * 1000 };
    },
  };
}

/** @throws {WeirError} `unauthorized` when the token is not for that room */
function credentialsOf(claims: Claims, { room, kind: requested }: AuthRequest, id: string): Credentials {
  if (claims.video.roomJoin !== true) throw unauthorized('The token does not grant joining rooms.');
  if (claims.video.room !== room) throw unauthorized('The token is for another room.', 'otherRoom');
  const granted = grantedKind(claims.video);
  if (granted && requested && granted !== requested) {
    throw unauthorized(`The token is for a ${granted}, and this is a ${requested}.`, 'otherRoom');
  }
  return {
    kind: granted ?? requested ?? 'call',
    identity: claims.sub,
    name: shortDisplayName(claims.name ?? '') || undefined,
    metadata: claims.metadata,
    grants: toGrants(claims.video),
    policy: claims.video.policy,
    token: { id, issuedAt: issuedAt(claims) },
  };
}
