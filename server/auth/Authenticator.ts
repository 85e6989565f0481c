/** The interface by which joins are authenticated, and what passes through it. */
import type { Grants, Role, RoomKind, RoomPolicy } from '../../shared/protocol.ts';

/** A room, as tokens name it. */
export interface RoomId {
  readonly kind: RoomKind;
  readonly name: string;
}

/** A request to enter a room, or to read about it. */
export interface AuthRequest {
  readonly room: string;
  /** Where it is missing, the token decides; without a token it is a call. */
  readonly kind?: RoomKind | undefined;
  readonly token?: string | undefined;
  /** Without tokens: a secret of the client's, which its identity is derived from. */
  readonly guest?: string | undefined;
  /** Without tokens: the role that the client asks for. */
  readonly role?: Role | undefined;
  /** Without tokens: the policy that the client asks for. */
  readonly policy?: RoomPolicy | undefined;
}

/** A token that was presented, reduced to what its age can be told by. */
export interface PresentedToken {
  /** Of this one token. */
  readonly id: string;
  /** Its `iat` in Unix seconds, with fractions where the issuer writes them; undefined where its age is unknown. */
  readonly issuedAt: number | undefined;
}

/** Whom a request is from, and what they may do. */
export interface Credentials {
  readonly kind: RoomKind;
  readonly identity: string;
  readonly name: string | undefined;
  readonly metadata: string | undefined;
  readonly grants: Grants;
  /** Of the room, if they open it; undefined where the server decides. */
  readonly policy: RoomPolicy | undefined;
  /** The token that proves it; undefined where the server needs none. */
  readonly token: PresentedToken | undefined;
}

/** A newly signed token that replaces one which is about to expire. */
export interface FreshToken {
  readonly jwt: string;
  readonly presented: PresentedToken;
  /** Milliseconds. */
  readonly lifetime: number;
}

/** Authenticates requests. */
export interface Authenticator {
  /** `token`: a token is required. `open`: none is. */
  readonly kind: 'open' | 'token';
  /** @throws {WeirError} `unauthorized`, with a sentence that says what is wrong with the token */
  authenticate(request: AuthRequest): Promise<Credentials>;
  /** Signs a token for somebody in that room, with the grants given; undefined where no token is needed. */
  refresh(room: RoomId, credentials: Omit<Credentials, 'kind' | 'token'>): Promise<FreshToken | undefined>;
}
