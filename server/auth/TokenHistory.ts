/**
 * Records the tokens that each identity has presented and by how much its issuer's clock is ahead, so that a token can be
 * ordered before or after a decision although two clocks are involved.
 */
import type { PresentedToken } from './Authenticator.ts';
import { dropOldest } from './dropOldest.ts';

/** A moment in the order of decisions and of tokens becoming known. */
export interface Moment {
  readonly sequence: number;
  /** Unix seconds by this server's clock. */
  readonly at: number;
  /** The same moment by the clock of the identity's token issuer, as far as that is known. */
  readonly issuerAt: number;
}

interface KnownTokens {
  /** By token id: the point in the sequence at which the token became known. */
  readonly sequences: Map<string, number>;
  /** A lower bound of the issuer clock's lead, in seconds: a token cannot be presented before it is issued. */
  lead: number;
}

/** How many are kept, the oldest dropped first. */
const LIMITS = { identities: 100_000, tokensPerIdentity: 64 };

export class TokenHistory {
  /** Seconds. */
  readonly #maxLead: number;
  /** By identity key, the one that presented a token longest ago first. */
  readonly #identities = new Map<string, KnownTokens>();
  #sequence = 0;

  /** @param leeway how far the clock of an issuer may be ahead, in milliseconds */
  constructor(leeway: number) {
    this.#maxLead = leeway / 1000;
  }

  /** This moment, for an identity. */
  now(key: string): Moment {
    const at = unixTime();
    return { sequence: this.#next(), at, issuerAt: at + (this.#identities.get(key)?.lead ?? 0) };
  }

  /** Records a token that an identity has presented; its `iat` says how far its issuer's clock is ahead. */
  addPresented(key: string, token: PresentedToken): void {
    this.#add(key, token, Math.min(this.#maxLead, Math.max(0, (token.issuedAt ?? 0) - unixTime())));
  }

  /** Records a token that this server has signed: it says nothing about the clock of any other issuer. */
  addSigned(key: string, token: PresentedToken): void {
    this.#add(key, token);
  }

  /** Whether a token is older than that moment, as far as can be known. */
  isOlder(key: string, token: PresentedToken | undefined, { sequence, issuerAt }: Moment): boolean {
    // Without a token, or with one of unknown age, nothing shows that it was issued later.
    if (token?.issuedAt === undefined) return true;
    const known = this.#identities.get(key)?.sequences.get(token.id);
    if (known !== undefined && known < sequence) return true;
    // Most issuers write whole seconds: such a token may have been issued at the end of its second.
    return Number.isInteger(token.issuedAt) ? token.issuedAt + 1 <= issuerAt : token.issuedAt < issuerAt;
  }

  #add(key: string, token: PresentedToken, lead?: number): void {
    const known = this.#identities.get(key) ?? { sequences: new Map<string, number>(), lead: 0 };
    if (!known.sequences.has(token.id)) {
      known.sequences.set(token.id, this.#next());
      if (lead !== undefined) known.lead = lead;
    }
    dropOldest(known.sequences, LIMITS.tokensPerIdentity);
    this.#identities.delete(key);
    this.#identities.set(key, known);
    dropOldest(this.#identities, LIMITS.identities);
  }

  #next(): number {
    this.#sequence += 1;
    return this.#sequence;
  }
}

const unixTime = () => Date.now() / 1000;
