/**
 * Administrators' decisions about identities: revoked tokens and overridden grants. A decision applies to every later join
 * into a room of that name for as long as a token issued before it can be used; a token issued after it is not affected.
 */
import { WeirError } from '../../shared/errors.ts';
import type { Grants } from '../../shared/protocol.ts';
import type { PresentedToken } from './Authenticator.ts';
import { dropOldest } from './dropOldest.ts';
import { type Moment, TokenHistory } from './TokenHistory.ts';

/** An identity in a room. */
export interface RoomIdentity {
  /** The key that `roomKey` makes. */
  readonly room: string;
  readonly identity: string;
}

/** An identity in a room, and the token that was presented for it; undefined on a server without tokens. */
export interface PresentedIdentity extends RoomIdentity {
  readonly token: PresentedToken | undefined;
}

export interface ModerationOptions {
  /** How long after a decision a token issued before it can still be used, in milliseconds. */
  readonly lifetime: number;
  /** How far the clocks of issuers may be ahead, in milliseconds. */
  readonly leeway: number;
}

/** The latest decisions about one identity in one room. */
interface Decisions {
  revocation?: Moment;
  grants?: Moment & { readonly value: Grants };
  /** Made by the identity itself; an administrator's next override replaces it. */
  stepDown?: Moment;
}

/** How long somebody who stepped down stays off the stage when they join again, in milliseconds. */
const STEP_DOWN = 5 * 60_000;

/** How many identities decisions are kept for; the oldest are dropped first. */
const MAX_DECISIONS = 100_000;

export class Moderation {
  /** Milliseconds. */
  readonly #lifetime: number;
  readonly #history: TokenHistory;
  /** By identity key, the one with the oldest last decision first. */
  readonly #decisions = new Map<string, Decisions>();

  constructor({ lifetime, leeway }: ModerationOptions) {
    this.#lifetime = lifetime;
    this.#history = new TokenHistory(leeway);
  }

  /** The number of identities that there are decisions about. */
  get size(): number {
    return this.#decisions.size;
  }

  /**
   * Admits an identity by a token. Decisions from now on apply to this token, whatever its `iat`.
   * @throws {WeirError} `unauthorized` when the token has been revoked
   */
  admit(who: PresentedIdentity): void {
    if (who.token) this.#history.addPresented(keyOf(who), who.token);
    this.assertNotRevoked(who);
  }

  /** Records that this server has signed a token for an identity. */
  addSignedToken(who: RoomIdentity, token: PresentedToken): void {
    this.#history.addSigned(keyOf(who), token);
  }

  /** @throws {WeirError} `unauthorized` when the identity was removed from the room after its token was issued */
  assertNotRevoked(who: PresentedIdentity): void {
    const { revocation } = this.#decisions.get(keyOf(who)) ?? {};
    if (revocation && this.#appliesTo(revocation, who)) {
      throw new WeirError('unauthorized', 'You were removed from this room; this token no longer opens it.', {
        reason: 'removed',
      });
    }
  }

  /** The grants that an administrator set after the token was issued, or else `grants`, which are those of the token. */
  grantsFor(who: PresentedIdentity, grants: Grants): Grants {
    const { grants: override, stepDown } = this.#decisions.get(keyOf(who)) ?? {};
    const current = override && this.#appliesTo(override, who) ? override.value : grants;
    const offStage = stepDown && unixTime() - stepDown.at < STEP_DOWN / 1000 && this.#appliesTo(stepDown, who);
    return offStage ? { ...current, canPublish: false } : current;
  }

  /** Revokes the tokens that this identity has for that room. */
  revoke(who: RoomIdentity): void {
    this.#decide(who, (decisions, moment) => {
      decisions.revocation = moment;
    });
  }

  /** Replaces the grants of the tokens that this identity has for that room. */
  overrideGrants(who: RoomIdentity, value: Grants): void {
    this.#decide(who, (decisions, moment) => {
      decisions.grants = { ...moment, value };
      delete decisions.stepDown;
    });
  }

  /**
   * Records that somebody left the stage on their own. It lasts for minutes only: a rejoin after a worker failure does not
   * bring them back onto the stage, while a later broadcast with the same token does.
   */
  stepDown(who: RoomIdentity): void {
    this.#decide(who, (decisions, moment) => {
      decisions.stepDown = moment;
    });
  }

  #appliesTo(decision: Moment, who: PresentedIdentity): boolean {
    return this.#history.isOlder(keyOf(who), who.token, decision);
  }

  #decide(who: RoomIdentity, change: (decisions: Decisions, moment: Moment) => void): void {
    const key = keyOf(who);
    const decisions = this.#decisions.get(key) ?? {};
    change(decisions, this.#history.now(key));
    this.#decisions.delete(key);
    this.#decisions.set(key, decisions);
    dropOldest(this.#decisions, MAX_DECISIONS);
    this.#dropExpired();
  }

  #dropExpired(): void {
    const oldest = unixTime() - this.#lifetime / 1000;
    for (const [key, { revocation, grants, stepDown }] of this.#decisions) {
      if (Math.max(revocation?.at ?? 0, grants?.at ?? 0, stepDown?.at ?? 0) >= oldest) return;
      this.#decisions.delete(key);
    }
  }
}

function keyOf({ room, identity }: RoomIdentity): string {
  return JSON.stringify([room, identity]);
}

const unixTime = () => Date.now() / 1000;
