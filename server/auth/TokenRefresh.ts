/**
 * Sends a peer tokens that are fresh, so that it can join again after its own has expired: when it has joined, whenever half
 * of the last one's life is over, and when its grants have changed. It ends with the peer.
 */
import type { ServerEvents } from '../../shared/protocol.ts';
import type { FreshToken } from './tokens.ts';

/** The participant that the tokens are for. */
export interface TokenHolder {
  readonly closed: boolean;
  /** Runs `listener` whenever its grants have changed. */
  onGrants(listener: () => void): void;
  onEnd(listener: () => void): void;
}

export interface TokenRefreshOptions {
  readonly peer: TokenHolder;
  /** Signs one with the grants that the peer has now; undefined where nobody needs one. */
  sign(): Promise<FreshToken | undefined>;
  /** It exists from now on. */
  onSigned(token: FreshToken): void;
  notify(event: 'tokenRefreshed', data: ServerEvents['tokenRefreshed']): void;
  /** Signing failed. */
  onError(error: unknown): void;
}

export class TokenRefresh {
  readonly #options: TokenRefreshOptions;
  #timer: NodeJS.Timeout | undefined;
  /** How often one was asked for: an older one is not sent after a newer one. */
  #turn = 0;
  #started = false;

  constructor(options: TokenRefreshOptions) {
    this.#options = options;
    options.peer.onGrants(() => this.#started && this.refresh());
    options.peer.onEnd(() => clearTimeout(this.#timer));
  }

  /** Sends one now, and goes on. */
  refresh(): void {
    this.#started = true;
    this.#send().catch((error: unknown) => this.#options.onError(error));
  }

  async #send(): Promise<void> {
    const { peer, sign, onSigned, notify } = this.#options;
    this.#turn += 1;
    const turn = this.#turn;
    const token = await sign();
    if (!token || peer.closed || turn !== this.#turn) return;
    onSigned(token);
    notify('tokenRefreshed', { token: token.jwt, seconds: token.lifetime / 1000 });
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.refresh(), token.lifetime / 2);
  }
}
