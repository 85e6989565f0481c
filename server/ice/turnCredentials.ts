/** Time-limited credentials of a TURN server (draft-uberti-behave-turn-rest-00), as coturn's `use-auth-secret` checks them. */
import { createHmac } from 'node:crypto';

export interface TurnCredentials {
  /** `<expiry>:<user>`, with the expiry in seconds since 1970. */
  readonly username: string;
  /** Base64 of the HMAC-SHA1 of the user name. */
  readonly credential: string;
}

/**
 * @param secret what the TURN server shares with us: coturn's `static-auth-secret`
 * @param user whom the TURN server counts the allocations to; without a colon
 * @param expiry after which no allocation can be made with it, in milliseconds since 1970; existing allocations go on
 */
export function turnCredentials(secret: string, user: string, expiry: number): TurnCredentials {
  const username = `${Math.floor(expiry / 1000)}:${user}`;
  return { username, credential: createHmac('sha1', secret).update(username).digest('base64') };
}
