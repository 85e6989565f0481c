/** Decides who may use the API: whoever has a token with LiveKit's grants for it, signed by one of the server's keys. */
import { z } from 'zod';
import { WeirError } from '../../shared/errors.ts';
import { text } from '../../shared/media.ts';
import { MAX_NAME } from '../../shared/protocol.ts';
import type { Moderation } from '../auth/Moderation.ts';
import { issuedAt, tokenId, unauthorized, type VerifyOptions, verifyClaims } from '../auth/tokens.ts';
import { roomKey } from '../common/roomKey.ts';
import { parseRoomKey } from './roomKeys.ts';
import type { RoomRef } from './schemas.ts';

/** Longer ones name no room. */
const MAX_ROOM_KEY = 4096;

/** An optional claim. Many JWT libraries write `null` for a missing one. */
const optional = <T extends z.ZodType>(schema: T) => schema.nullish().transform((value) => value ?? undefined);

const AdminVideo = z.object({
  roomCreate: optional(z.boolean()),
  roomList: optional(z.boolean()),
  roomAdmin: optional(z.boolean()),
  room: optional(text(MAX_ROOM_KEY)),
  broadcast: optional(z.boolean()),
});
type AdminVideo = Partial<z.infer<typeof AdminVideo>>;

const AdminClaims = z.object({
  iss: optional(z.string()),
  sub: optional(text(MAX_NAME)),
  exp: z.number(),
  nbf: optional(z.number()),
  iat: optional(z.number()),
  video: AdminVideo.nullish().transform((video): AdminVideo => video ?? {}),
});
type AdminClaims = z.infer<typeof AdminClaims>;

export interface AdminAccessOptions {
  /** How tokens are verified; undefined on a server without keys, whose API is closed. */
  readonly verify: VerifyOptions | undefined;
  readonly moderation: Moderation;
}

/** What an operation needs: a grant, for one room where it is about one. */
export type Permission =
  | { readonly grant: 'roomCreate' | 'roomList' }
  | { readonly grant: 'roomAdmin'; readonly room: RoomRef };

export class AdminAccess {
  readonly #options: AdminAccessOptions;

  constructor(options: AdminAccessOptions) {
    this.#options = options;
  }

  /** @throws {WeirError} `forbidden` while the server has no keys */
  assertOpen(): void {
    if (!this.#options.verify) throw closed();
  }

  /**
   * @param token of `Authorization: Bearer`
   * @throws {WeirError} `forbidden` while the server has no keys; `unauthorized`, with a sentence that says why
   */
  async authenticate(token: string | undefined): Promise<Administrator> {
    const { verify, moderation } = this.#options;
    if (!verify) throw closed();
    if (token === undefined) {
      throw unauthorized('The API requires a token, as "Authorization: Bearer <token>"; none was sent.', 'missing');
    }
    return new Administrator(await verifyClaims(token, verify, AdminClaims), token, moderation);
  }
}

/** Whoever has sent a token that this server accepts. */
export class Administrator {
  readonly #claims: AdminClaims;
  readonly #token: string;
  readonly #moderation: Moderation;

  constructor(claims: AdminClaims, token: string, moderation: Moderation) {
    this.#claims = claims;
    this.#token = token;
    this.#moderation = moderation;
  }

  /** @throws {WeirError} `forbidden`; `unauthorized` for one who was removed from the room since */
  assertMay(permission: Permission): void {
    if (permission.grant !== 'roomAdmin') {
      if (this.#claims.video[permission.grant] === true) return;
      throw new WeirError('forbidden', `The token does not have the grant ${permission.grant}.`);
    }
    const { kind, room } = permission.room;
    if (this.#claims.video.roomAdmin !== true || !this.#isFor(permission.room)) {
      throw new WeirError('forbidden', `The token does not have the grant roomAdmin for the ${kind} ${room}.`);
    }
    this.#assertNotOverruled(permission.room);
  }

  /** A token without `broadcast` is for the kind that the request names; its room may also name the kind itself. */
  #isFor({ kind, room }: RoomRef): boolean {
    const { room: granted, broadcast } = this.#claims.video;
    const named = granted === undefined ? undefined : parseRoomKey(granted);
    if (named?.room !== room) return false;
    if (named.kind === 'broadcast') return kind === 'broadcast';
    return broadcast === undefined || broadcast === (kind === 'broadcast');
  }

  /**
   * The token of a participant says what it might do when it was issued; since then it may have been removed, or its grants
   * changed. A token without an identity is of a program.
   */
  #assertNotOverruled({ kind, room }: RoomRef): void {
    const { sub: identity } = this.#claims;
    if (identity === undefined) return;
    const token = { id: tokenId(this.#token), issuedAt: issuedAt(this.#claims) };
    const who = { room: roomKey(kind, room), identity, token };
    this.#moderation.admit(who);
    if (!this.#moderation.grantsFor(who, ADMIN_GRANTS).roomAdmin) {
      throw new WeirError('forbidden', 'An administrator has taken the grant roomAdmin from the bearer of this token.');
    }
  }
}

function closed(): WeirError {
  return new WeirError('forbidden', 'The API is closed while the server has no keys: set WEIR_API_KEYS to open it.');
}

/** What `Moderation` may have taken away. */
const ADMIN_GRANTS = {
  canPublish: true,
  canPublishSources: [],
  canSubscribe: true,
  canPublishData: true,
  hidden: false,
  roomAdmin: true,
};
