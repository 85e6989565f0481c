/** Signs and verifies join tokens: JWT, HS256. */
import { createHash, randomUUID } from 'node:crypto';
import { compactVerify, SignJWT } from 'jose';
import { type ErrorReason, WeirError } from '../../shared/errors.ts';
import { Claims, type VideoGrant } from './claims.ts';

/** Default lifetime of a token, in seconds. */
export const TOKEN_LIFETIME = 600;

export interface SignOptions {
  readonly apiKey: string;
  readonly apiSecret: string;
  readonly identity: string;
  readonly name?: string | undefined;
  readonly metadata?: string | undefined;
  readonly video: VideoGrant;
  /** Seconds. */
  readonly lifetime?: number;
  /** Unix seconds. */
  readonly issuedAt?: number;
}

/** Signs a token. @returns the JWT in compact form */
export function signToken(options: SignOptions): Promise<string> {
  const { apiKey, apiSecret, identity, name, metadata, video, lifetime = TOKEN_LIFETIME } = options;
  const { issuedAt = issueTime(Date.now()) } = options;
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

export interface VerifyOptions {
  readonly apiKey: string;
  readonly apiSecret: string;
  /** How far the issuer's clock may be off, in milliseconds. */
  readonly leeway: number;
  /** A token with a longer lifetime is refused, in milliseconds. */
  readonly maxLifetime: number;
}

/**
 * Verifies signature, issuer and times of a token. The signature comes first: unsigned data is not parsed.
 * @throws {WeirError} `unauthorized`, with a sentence that says what is wrong with the token
 */
export async function verifyToken(token: string, options: VerifyOptions): Promise<Claims> {
  const claims = parseClaims(await verifySignature(token, options.apiSecret));
  if (claims.iss !== options.apiKey) throw notOurs();
  assertTimes(claims, options.leeway / 1000, options.maxLifetime / 1000);
  return claims;
}

/** When a token was issued, in Unix seconds; undefined where it does not say. */
export function issuedAt({ iat, nbf }: Claims): number | undefined {
  return iat ?? nbf;
}

/** An id by which a token is recognised when it is presented again. */
export function tokenId(token: string): string {
  return createHash('sha256').update(token).digest('base64url');
}

/** `iat` for a moment, in Unix seconds. It is never a whole number: that would mean any moment of its second. */
export function issueTime(milliseconds: number): number {
  return (milliseconds + (milliseconds % 1000 === 0 ? 0.5 : 0)) / 1000;
}

/** The error for a token that is refused. */
export function unauthorized(message: string, reason?: ErrorReason): WeirError {
  return new WeirError('unauthorized', message, reason && { reason });
}

function notOurs(): WeirError {
  return unauthorized('The token is not one that this server accepts.', 'invalid');
}

async function verifySignature(token: string, apiSecret: string): Promise<unknown> {
  try {
    const { payload } = await compactVerify(token, new TextEncoder().encode(apiSecret), { algorithms: ['HS256'] });
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(payload));
  } catch {
    throw notOurs();
  }
}

function parseClaims(payload: unknown): Claims {
  const parsed = Claims.safeParse(payload);
  if (parsed.success) return parsed.data;
  const claim = parsed.error.issues[0]?.path.join('.');
  throw unauthorized(claim ? `The claim "${claim}" of the token is missing or malformed.` : 'The token has no claims.');
}

/** @param leeway seconds @param maxLifetime seconds */
function assertTimes(claims: Claims, leeway: number, maxLifetime: number): void {
  const now = Date.now() / 1000;
  if (claims.nbf !== undefined && claims.nbf > now + leeway) throw unauthorized('The token is not valid yet.');
  if (claims.exp <= now - leeway) throw unauthorized('The token has expired; request a new one.', 'expired');
  const issued = issuedAt(claims);
  if (issued !== undefined && issued > now + leeway) throw unauthorized('The token was issued in the future.');
  // Decisions of administrators are kept only for as long as a token issued before them can be used: this bounds it.
  if (claims.exp - Math.min(now, issued ?? Number.POSITIVE_INFINITY) > maxLifetime + leeway) {
    throw unauthorized('The lifetime of the token exceeds the maximum of this server.');
  }
}
