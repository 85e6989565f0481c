/** The STUN and TURN servers that clients are told of, with a fresh TURN credential each time. */
import { createHmac } from 'node:crypto';
import type { IceServer } from '../../shared/media.ts';
import { turnCredentials } from './turnCredentials.ts';

/** The TURN servers of the configuration. */
export interface TurnSettings {
  /** `turn:` and `turns:` URIs (RFC 7065). */
  readonly urls: readonly string[];
  /** What the TURN servers share with Weir. */
  readonly secret: string;
  /** For how long a credential can be used to allocate, in milliseconds. */
  readonly lifetime: number;
}

export interface IceServersOptions {
  readonly turn: TurnSettings | undefined;
  /** The URLs (RFC 7064) of STUN servers, which are Weir's own; none by default. */
  stunUrls?(): readonly string[];
}

/** Length of the user in a credential, in characters of base64url: 96 bits. */
const USER_LENGTH = 16;

export class IceServers {
  readonly #options: IceServersOptions;

  constructor(options: IceServersOptions) {
    this.#options = options;
  }

  /**
   * The servers, first STUN, then TURN. The credential names a keyed hash of the identity: the TURN server can limit how much
   * one person uses, and does not learn who it is.
   * @param user the identity of who gets the credential
   * @param maxLifetime in milliseconds, where it is to be shorter than usual
   */
  for(user: string, maxLifetime = Number.POSITIVE_INFINITY): IceServer[] {
    const { turn, stunUrls } = this.#options;
    const stun = stunUrls?.() ?? [];
    const servers: IceServer[] = stun.length > 0 ? [{ urls: [...stun] }] : [];
    if (turn) {
      const credentials = turnCredentials(
        turn.secret,
        turnUser(turn.secret, user),
        Date.now() + Math.min(turn.lifetime, maxLifetime),
      );
      servers.push({ urls: [...turn.urls], ...credentials });
    }
    return servers;
  }
}

function turnUser(secret: string, identity: string): string {
  // The prefix keeps these hashes apart from the credentials, which are made with the same key.
  return createHmac('sha256', secret).update(`identity:${identity}`).digest('base64url').slice(0, USER_LENGTH);
}
