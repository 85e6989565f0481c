/**
 * Keeps what administrators decided about identities: removals and changes of grants. A decision holds for every later
 * join into a room of that name, for as long as tokens made before it can be used; a token made after it is not affected.
 */
import { WeirError } from '../../shared/errors.ts';
import type { Grants } from '../../shared/protocol.ts';

/** A token that somebody presented, as far as its age matters. */
export interface PresentedToken {
  /** Of this token alone. */
  readonly id: string;
  /** Its `iat` in Unix seconds, with fractions where the issuer gives them; undefined where its age is unknown. */
  readonly issuedAt: number | undefined;
}

/** Who is admitted: an identity in a room, and the token that says so; without one on a server that runs open. */
export interface Admission {
  /** As `roomKey` makes it. */
  readonly room: string;
  readonly identity: string;
  readonly token: PresentedToken | undefined;
}

export interface ModerationOptions {
  /** How long after a decision a token made before it can still be used, in milliseconds. */
  readonly lifetime: number;
  /** How far the clocks of issuers may be ahead, in milliseconds. */
  readonly leeway: number;
}

interface Decision {
  /** Its place in the order of decisions and of tokens becoming known. */
  readonly order: number;
  /** Unix seconds. */
  readonly at: number;
  /** The same moment by the clock that signs tokens for this identity, as far as that is known. */
  readonly issuerAt: number;
}

interface Decisions {
  removal?: Decision;
  grants?: Decision & { readonly value: Grants };
  /** Of their own accord; an administrator's next change of grants takes its place. */
  stepDown?: Decision;
}

/** What is known of the tokens of one identity in one room. */
interface KnownTokens {
  /** By token id, when each became known. */
  readonly orders: Map<string, number>;
  /** By how much the issuer's clock is ahead at least, in seconds: the latest token cannot be presented before it is made. */
  skew: number;
}

/** How long whoever left the stage of their own accord stays off it when they join again, in milliseconds. */
const STEP_DOWN = 5 * 60_000;

/** How many are remembered, the oldest dropped first: identities with decisions, identities with tokens, tokens of each. */
const LIMITS = { decisions: 100_000, identities: 100_000, tokens: 64 };

export class Moderation {
  readonly #options: ModerationOptions;
  /** By room and identity, the one with the oldest last decision first. */
  readonly #decisions = new Map<string, Decisions>();
  /** By room and identity, the one that presented a token longest ago first. */
  readonly #tokens = new Map<string, KnownTokens>();
  #order = 0;

  constructor(options: ModerationOptions) {
    this.#options = options;
  }

  /** How many identities there are decisions about. */
  get size(): number {
    return this.#decisions.size;
  }

  /**
   * Notes that a token exists: decisions made from now on hold against it, whatever its `iat`.
   * @throws {WeirError} `unauthorized` when a removal holds against it
   */
  assertAdmitted(admission: Admission): void {
    this.#rememberToken(admission, (token) => Math.max(0, (token.issuedAt ?? 0) - now()));
    this.assertNotRemoved(admission);
  }

  /** Notes that this server has made a token, whose `iat` says nothing about the clock of other issuers. */
  rememberToken(admission: Admission): void {
    this.#rememberToken(admission);
  }

  /** @param lead by how much the clock that made the token is ahead at least, in seconds */
  #rememberToken({ token, ...who }: Admission, lead?: (token: PresentedToken) => number): void {
    if (!token) return;
    const key = keyOf(who);
    const known = this.#tokens.get(key) ?? { orders: new Map<string, number>(), skew: 0 };
    if (!known.orders.has(token.id)) {
      known.orders.set(token.id, this.#next());
      if (lead) known.skew = Math.min(this.#options.leeway / 1000, lead(token));
    }
    dropOldest(known.orders, LIMITS.tokens);
    this.#tokens.delete(key);
    this.#tokens.set(key, known);
    dropOldest(this.#tokens, LIMITS.identities);
  }

  /** @throws {WeirError} `unauthorized` when the identity has been removed since its token was made */
  assertNotRemoved(admission: Admission): void {
    const { removal } = this.#decisions.get(keyOf(admission)) ?? {};
    if (removal && this.#holds(removal, admission)) {
      throw new WeirError('unauthorized', 'You were removed from this room; this token no longer opens it.', {
        reason: 'removed',
      });
    }
  }

  /** The grants that an administrator gave since the token was made, or else `grants`, which are the token's. */
  grantsFor(admission: Admission, grants: Grants): Grants {
    const { grants: change, stepDown } = this.#decisions.get(keyOf(admission)) ?? {};
    const given = change && this.#holds(change, admission) ? change.value : grants;
    const isDown = stepDown && now() - stepDown.at < STEP_DOWN / 1000 && this.#holds(stepDown, admission);
    return isDown ? { ...given, canPublish: false } : given;
  }

  /** From now on, the tokens that this identity has for that room do not open it. */
  remove(who: Omit<Admission, 'token'>): void {
    this.#decide(who, (decisions, decision) => {
      decisions.removal = decision;
    });
  }

  /** From now on, the tokens that this identity has for that room grant this. */
  setGrants(who: Omit<Admission, 'token'>, value: Grants): void {
    this.#decide(who, (decisions, decision) => {
      decisions.grants = { ...decision, value };
      delete decisions.stepDown;
    });
  }

  /** Somebody leaves the stage: a worker that fails does not bring them back onto it, a later show with the same token does. */
  stepDown(who: Omit<Admission, 'token'>): void {
    this.#decide(who, (decisions, decision) => {
      decisions.stepDown = decision;
    });
  }

  /** Whether the token of an admission is older than the decision, as far as can be told. */
  #holds({ order, issuerAt }: Decision, { token, ...who }: Admission): boolean {
    // Without tokens there is nothing that an administrator could have handed out since.
    if (token?.issuedAt === undefined) return true;
    const known = this.#tokens.get(keyOf(who));
    if ((known?.orders.get(token.id) ?? Number.POSITIVE_INFINITY) < order) return true;
    // Whole seconds are how most issuers count: such a token may have been made at the end of its second.
    return Number.isInteger(token.issuedAt) ? token.issuedAt + 1 <= issuerAt : token.issuedAt < issuerAt;
  }

  #decide(who: Omit<Admission, 'token'>, change: (decisions: Decisions, decision: Decision) => void): void {
    const key = keyOf(who);
    const decisions = this.#decisions.get(key) ?? {};
    const at = now();
    change(decisions, { order: this.#next(), at, issuerAt: at + (this.#tokens.get(key)?.skew ?? 0) });
    this.#decisions.delete(key);
    this.#decisions.set(key, decisions);
    dropOldest(this.#decisions, LIMITS.decisions);
    this.#dropExpired();
  }

  #dropExpired(): void {
    const oldest = now() - this.#options.lifetime / 1000;
    for (const [key, { removal, grants, stepDown }] of this.#decisions) {
      if (Math.max(removal?.at ?? 0, grants?.at ?? 0, stepDown?.at ?? 0) >= oldest) return;
      this.#decisions.delete(key);
    }
  }

  #next(): number {
    this.#order += 1;
    return this.#order;
  }
}

function keyOf({ room, identity }: Omit<Admission, 'token'>): string {
  return JSON.stringify([room, identity]);
}

/** Drops entries from the front until there are at most so many. */
function dropOldest(map: Map<string, unknown>, most: number): void {
  for (const key of map.keys()) {
    if (map.size <= most) return;
    map.delete(key);
  }
}

const now = () => Date.now() / 1000;
