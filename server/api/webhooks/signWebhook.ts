/** Signs the body of a webhook as LiveKit does: a JWT whose claim `sha256` is the hash of the body. */
import { createHash } from 'node:crypto';
import { SignJWT } from 'jose';

/** How long a signature is good for, in seconds: a retry is signed again. */
const LIFETIME = 300;

export interface WebhookKey {
  readonly apiKey: string;
  readonly apiSecret: string;
}

/** @returns the value of the header `Authorization`: the JWT alone, without a scheme */
export function signWebhook(body: string, { apiKey, apiSecret }: WebhookKey): Promise<string> {
  const sha256 = createHash('sha256').update(body).digest('base64');
  const now = Math.floor(Date.now() / 1000);
  return new SignJWT({ sha256 })
    .setProtectedHeader({ alg: 'HS256', typ: 'JWT' })
    .setIssuer(apiKey)
    .setIssuedAt(now)
    .setNotBefore(now)
    .setExpirationTime(now + LIFETIME)
    .sign(new TextEncoder().encode(apiSecret));
}
