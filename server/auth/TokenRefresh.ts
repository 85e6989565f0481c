/**
 * Sends a peer fresh tokens, so that it can join again after its own has expired: when it has joined, at half of the last
 * one's lifetime, and when its grants change. It ends with the peer.
 */
import type { Grants, ServerEvents } from '../../shared/protocol.ts';
import type { FreshToken } from './Authenticator.ts';

/** The participant that the tokens are for. */
export interface TokenHolder {
  readonly closed: boolean;
  readonly grants: Grants;
  /** Runs `listener` whenever its grants have changed. */
  onGrants(listener: () => void): void;
  onEnd(listener: () => void): void;
}

export interface TokenRefreshOptions {
  readonly peer: TokenHolder;
  /** Signs a token with these grants; undefined where no token is needed. */
  sign(grants: Grants): Promise<FreshToken | undefined>;
  notify(event: 'tokenRefreshed', data: ServerEvents['tokenRefreshed']): void;
  /** Signing failed. */
  onError(error: unknown): void;
}

export class TokenRefresh {
  readonly #options: TokenRefreshOptions;
  #timer: NodeJS.Timeout | undefined;
  /** Counts requests for a token: one that was overtaken by a later request is not sent. */
  #request = 0;
  #started = false;

  constructor(options: TokenRefreshOptions) {
    this.#options = options;
    options.peer.onGrants(() => this.#started && this.refresh());
    options.peer.onEnd(() => clearTimeout(this.#timer));
  }

  /** Sends a token now, and schedules the next one. */
  refresh(): void {
    this.#started = true;
    this.#send().catch((error: unknown) => this.#options.onError(error));
  }

  async #send(): Promise<void> {
    const { peer, sign, notify } = this.#options;
    this.#request += 1;
    const request = this.#request;
    const token = await sign(peer.grants);
    if (!token || peer.closed || request !== this.#request) return;
    notify('tokenRefreshed', { token: token.jwt, seconds: token.lifetime / 1000 });
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.refresh(), token.lifetime / 2);
  }
}
