/** The token of a call: the invitation that the page was opened with, then the fresh ones that the server sends. */
import { z } from 'zod';
import { type RoomKind, WeirError } from '../../client/index.ts';
import { storedValue } from '../storage/storedValue.ts';

const Stored = z.object({ invitation: z.string(), token: z.string() });

export interface CallTokenOptions {
  readonly room: string;
  readonly kind?: RoomKind | undefined;
  /** The token of the invitation; undefined where the server needs none. */
  readonly token?: string | undefined;
}

/**
 * A fresh token lives for minutes. It is stored in the session storage of the tab, which no other tab reads: after the
 * invitation has expired, a reload still rejoins with it.
 */
export class CallToken {
  readonly #invitation: string | undefined;
  readonly #stored;
  #current: string | undefined;

  constructor({ room, kind = 'call', token }: CallTokenOptions) {
    this.#invitation = token;
    this.#stored = storedValue(() => sessionStorage, `weir.token.${kind}.${room}`);
    this.#current = token && (this.#fresh(token) ?? token);
  }

  /** The token to join with: the newest one. */
  get current(): string | undefined {
    return this.#current;
  }

  /** The server has sent a fresh token. */
  refresh(token: string): void {
    this.#current = token;
    if (this.#invitation !== undefined) this.#stored.set(JSON.stringify({ invitation: this.#invitation, token }));
  }

  /** The invitation may live longer than a fresh token. @returns whether it is worth another attempt after this error */
  fallBackToInvitation(error: unknown): boolean {
    if (!isExpired(error) || this.#current === this.#invitation) return false;
    this.#current = this.#invitation;
    return true;
  }

  /** The last fresh token that was stored for an invitation. */
  #fresh(invitation: string): string | undefined {
    try {
      const stored = Stored.parse(JSON.parse(this.#stored.get()));
      return stored.invitation === invitation ? stored.token : undefined;
    } catch {
      return undefined;
    }
  }
}

function isExpired(error: unknown): boolean {
  return error instanceof WeirError && error.reason === 'expired';
}
