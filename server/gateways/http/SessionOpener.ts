/** Opens the session of an HTTP request: who asks, for which room, and whether its network has too many already. */
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { z } from 'zod';
import { WeirError } from '../../../shared/errors.ts';
import { type Role, RoomName } from '../../../shared/participants.ts';
import type { RoomKind } from '../../../shared/protocol.ts';
import type { AccessControl, Admission } from '../../auth/AccessControl.ts';
import { ConnectionLimit } from '../../common/ConnectionLimit.ts';
import { roomKey } from '../../common/roomKey.ts';
import type { RoomManager } from '../../room/RoomManager.ts';
import { bearerToken, bindLog, parseAddress, signalOf } from './requests.ts';

/** Its address names the room. */
export type RoomRequest = FastifyRequest<{ Params: { room: string } }>;

/** What an address says besides the room; other parameters are left to the client. */
export interface RoomQuery {
  readonly kind: RoomKind;
}

/** A request that has been admitted. */
export interface AdmittedRequest<Query> {
  readonly admission: Admission;
  readonly room: string;
  readonly query: Query;
  /** Aborted when the client has gone before it has the response. */
  readonly signal: AbortSignal;
}

/** What is opened for a request: a session, with what its response says. */
export interface WithSession {
  readonly session: { readonly peerId: string; onEnd(listener: () => void): void };
}

export interface OpeningOptions<Query> {
  /** Whose grants somebody without a token has. */
  readonly role: Role;
  readonly query: z.ZodType<Query>;
}

export class SessionOpener {
  readonly #rooms: RoomManager;
  readonly #access: AccessControl;
  readonly #withoutToken: ConnectionLimit;

  /** @param limit sessions of one network without a token; whoever has one is limited by the room: one member an identity */
  constructor(rooms: RoomManager, access: AccessControl, limit: number) {
    this.#rooms = rooms;
    this.#access = access;
    this.#withoutToken = new ConnectionLimit(limit);
  }

  /**
   * Admits a request, and opens its session; that it is refused is announced.
   * @throws {WeirError} `badRequest`, `unauthorized`, `rateLimited`, and what `open` throws; nothing is left open then
   */
  async open<Query extends RoomQuery, Opened extends WithSession>(
    request: RoomRequest,
    reply: FastifyReply,
    { role, query: schema }: OpeningOptions<Query>,
    open: (admitted: AdmittedRequest<Query>) => Promise<Opened>,
  ): Promise<Opened> {
    // Before anything is awaited: the client may go meanwhile.
    const signal = signalOf(reply);
    const room = parseAddress(RoomName, request.params.room);
    const query = parseAddress(schema, request.query);
    const { kind } = query;
    bindLog(request, { room: roomKey(kind, room) });
    return this.#rooms.refusals.watch(room, kind, async () => {
      const admission = await this.#access.admit({ room, kind, token: bearerToken(request), role });
      bindLog(request, { identity: admission.credentials.identity });
      const withToken = admission.credentials.token !== undefined;
      const place = withToken ? undefined : this.#withoutToken.acquire(request.ip);
      if (!withToken && !place) throw new WeirError('rateLimited', 'Too many sessions from this address.');
      try {
        const opened = await open({ admission, room, query, signal });
        opened.session.onEnd(() => place?.[Symbol.dispose]());
        request.log.info({ peer: opened.session.peerId, path: request.routeOptions.url }, 'session opened');
        return opened;
      } catch (error) {
        place?.[Symbol.dispose]();
        throw error;
      }
    });
  }
}
