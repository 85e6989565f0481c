/** Decides who may enter which room and with which grants: the authenticator's answer, then administrators' decisions. */
import type { Grants } from '../../shared/protocol.ts';
import { roomKey } from '../common/roomKey.ts';
import type { Authenticator, AuthRequest, Credentials, FreshToken } from './Authenticator.ts';
import { normalizeGrants } from './grants.ts';
import type { Moderation } from './Moderation.ts';

/** Somebody who may enter a room. */
export interface Admission {
  readonly credentials: Credentials;
  /** Their current grants: those of the token, as overridden by administrators, normalized for the kind of room. */
  readonly grants: Grants;
  /** @throws {WeirError} `unauthorized` when an administrator has removed them since they were admitted */
  assertNotRevoked(): void;
  /** Signs a token with which they can enter again, with the grants given; undefined where no token is needed. */
  refreshToken(grants: Grants): Promise<FreshToken | undefined>;
}

export class AccessControl {
  readonly #authenticator: Authenticator;
  readonly #moderation: Moderation;

  constructor(authenticator: Authenticator, moderation: Moderation) {
    this.#authenticator = authenticator;
    this.#moderation = moderation;
  }

  /** Whether a token is required. */
  get kind(): Authenticator['kind'] {
    return this.#authenticator.kind;
  }

  /**
   * Admits somebody to a room. It does not enter the room.
   * @throws {WeirError} `unauthorized`, with a sentence that says why
   */
  async admit(request: AuthRequest): Promise<Admission> {
    const authenticator = this.#authenticator;
    const moderation = this.#moderation;
    const credentials = await authenticator.authenticate(request);
    const { kind, identity, token } = credentials;
    const who = { room: roomKey(kind, request.room), identity, token };
    moderation.admit(who);
    return {
      credentials,
      get grants() {
        return normalizeGrants(kind, moderation.grantsFor(who, credentials.grants));
      },
      assertNotRevoked: () => moderation.assertNotRevoked(who),
      async refreshToken(grants) {
        const fresh = await authenticator.refresh({ kind, name: request.room }, { ...credentials, grants });
        if (fresh) moderation.addSignedToken(who, fresh.presented);
        return fresh;
      },
    };
  }
}
