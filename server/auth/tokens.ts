/** Signs and verifies join tokens: JWT, HS256. */
import { createHash, randomUUID } from 'node:crypto';
import { compactVerify, SignJWT } from 'jose';
import type { z } from 'zod';
import { type ErrorReason, WeirError } from '../../shared/errors.ts';
import { type AdminGrant, Claims, type VideoGrant } from './claims.ts';

/** Default lifetime of a token, in seconds. */
export const TOKEN_LIFETIME = 600;

export interface SignOptions {
  readonly apiKey: string;
  readonly apiSecret: string;
  /** Whom it is for; missing for a program that uses the API. */
  readonly identity?: string | undefined;
  readonly name?: string | undefined;
  readonly metadata?: string | undefined;
  readonly video: VideoGrant & AdminGrant;
  /** Seconds. */
  readonly lifetime?: number;
  /** Unix seconds. */
  readonly issuedAt?: number;
}

/** Signs a token. @returns the JWT in compact form */
export function signToken(options: SignOptions): Promise<string> {
  const { apiKey, apiSecret, identity, name, metadata, video, lifetime = TOKEN_LIFETIME } = options;
  const { issuedAt = issueTime(Date.now()) } = options;
  const jwt = new SignJWT({ ...(name && { name }), ...(metadata && { metadata }), video })
    .setProtectedHeader({ alg: 'HS256', typ: 'JWT' })
    .setIssuer(apiKey)
    .setJti(randomUUID())
    .setIssuedAt(issuedAt)
    .setNotBefore(Math.floor(issuedAt))
    .setExpirationTime(Math.floor(issuedAt) + lifetime);
  if (identity !== undefined) jwt.setSubject(identity);
  return jwt.sign(new TextEncoder().encode(apiSecret));
}

/** A key and its secret, which signs tokens. */
export interface ApiKey {
  readonly apiKey: string;
  readonly apiSecret: string;
}

export interface VerifyOptions extends ApiKey {
  /** Others that are accepted too, while keys are replaced. */
  readonly furtherKeys?: readonly ApiKey[] | undefined;
  /** How far the issuer's clock may be off, in milliseconds. */
  readonly leeway: number;
  /** A token with a longer lifetime is refused, in milliseconds. */
  readonly maxLifetime: number;
}

/** The claims that are verified of every token. */
type TimedClaims = Pick<Claims, 'iss' | 'exp' | 'nbf' | 'iat'>;

/** Verifies a token to join a room, as `verifyClaims`. */
export function verifyToken(token: string, options: VerifyOptions): Promise<Claims> {
  return verifyClaims(token, options, Claims);
}

/**
 * Verifies signature, issuer and times of a token. The signature comes first: unsigned data is not parsed.
 * @param schema of its claims
 * @throws {WeirError} `unauthorized`, with a sentence that says what is wrong with the token
 */
export async function verifyClaims<T extends TimedClaims>(
  token: string,
  options: VerifyOptions,
  schema: z.ZodType<T>,
): Promise<T> {
  const { apiKey, payload } = await verifySignature(token, options);
  const claims = parseClaims(payload, schema);
  if (claims.iss !== apiKey) throw notOurs();
  assertTimes(claims, options.leeway / 1000, options.maxLifetime / 1000);
  return claims;
}

/** When a token was issued, in Unix seconds; undefined where it does not say. */
export function issuedAt({ iat, nbf }: TimedClaims): number | undefined {
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

/** The payload of a token, and the key of the secret that it is signed with. */
async function verifySignature(token: string, { apiKey, apiSecret, furtherKeys = [] }: VerifyOptions) {
  for (const key of [{ apiKey, apiSecret }, ...furtherKeys]) {
    const payload = await payloadOf(token, key.apiSecret);
    if (payload) return { apiKey: key.apiKey, payload: parseJson(payload) };
  }
  throw notOurs();
}

/** Undefined where it is not signed with that secret. */
async function payloadOf(token: string, apiSecret: string): Promise<Uint8Array | undefined> {
  const secret = new TextEncoder().encode(apiSecret);
  return compactVerify(token, secret, { algorithms: ['HS256'] }).then(
    ({ payload }) => payload,
    () => undefined,
  );
}

function parseJson(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch {
    throw notOurs();
  }
}

function parseClaims<T>(payload: unknown, schema: z.ZodType<T>): T {
  const parsed = schema.safeParse(payload);
  if (parsed.success) return parsed.data;
  const claim = parsed.error.issues[0]?.path.join('.');
  throw unauthorized(claim ? `The claim "${claim}" of the token is missing or malformed.` : 'The token has no claims.');
}

/** @param leeway seconds @param maxLifetime seconds */
function assertTimes(claims: TimedClaims, leeway: number, maxLifetime: number): void {
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
