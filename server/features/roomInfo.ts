/** What a client may know of a room before joining it: who is in it. */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { WeirError } from '../../shared/errors.ts';
import { type RoomKind, RoomName, type RoomPolicy } from '../../shared/protocol.ts';
import { validationSentence } from '../../shared/validation.ts';
import type { AccessControl } from '../auth/AccessControl.ts';
import type { RoomManager } from '../room/RoomManager.ts';
import { sendProblemDetails } from './problems.ts';

export interface RoomInfoOptions {
  readonly rooms: RoomManager;
  readonly access: AccessControl;
  /** Of calls for which nobody chooses a policy. */
  readonly roomPolicy: RoomPolicy;
}

interface Params {
  readonly room: string;
}

/** The state of a broadcast that nobody is in. */
const emptyBroadcast = { state: 'before', liveSeconds: 0, viewers: 0 } as const;

/**
 * `GET /api/rooms/<room>`: 200 `{ people: [{ name }] }`, with an empty list if nobody is in the room, and
 * `policy` where media may go directly. With `locked` or `waitingRoom`, only administrators are told who is in it.
 * `GET /api/broadcasts/<room>`: the same for those on the stage, and `state`, `liveSeconds` and `viewers`.
 * 401 without `Authorization: Bearer <token>` for that room, if tokens are required. 400 for an invalid room name.
 */
export async function roomInfo(app: FastifyInstance, { rooms, access, roomPolicy }: RoomInfoOptions): Promise<void> {
  const handler = (kind: RoomKind) => async (request: FastifyRequest<{ Params: Params }>, reply: FastifyReply) => {
    const name = RoomName.safeParse(request.params.room);
    if (!name.success) return sendProblemDetails(reply, 400, validationSentence(name.error));
    const token = /^Bearer (.+)$/.exec(request.headers.authorization ?? '')?.[1];
    let policy: RoomPolicy;
    let isAdmin: boolean;
    try {
      const { credentials, grants } = await access.admit({ token, room: name.data, kind });
      policy = credentials.policy ?? roomPolicy;
      isAdmin = grants.roomAdmin;
    } catch (error) {
      return sendProblemDetails(reply.header('www-authenticate', 'Bearer'), 401, WeirError.from(error).message);
    }
    const room = await rooms.find(name.data, kind);
    const isClosed = room !== undefined && (room.settings.locked || room.settings.waitingRoom);
    // Whoever is not let in at once does not know who is inside.
    const people = isClosed && !isAdmin ? [] : (room?.visiblePeers().map((peer) => ({ name: peer.name })) ?? []);
    const used = room?.policy ?? policy;
    const { state, liveSeconds, viewers } = room?.broadcast?.info ?? emptyBroadcast;
    return reply.header('cache-control', 'no-store').send({
      people,
      ...(room?.settings.locked && { locked: true }),
      ...(room?.settings.waitingRoom && { waitingRoom: true }),
      ...(kind === 'call' && used !== 'sfu' && { policy: used }),
      ...(kind === 'broadcast' && { state, liveSeconds, viewers }),
    });
  };
  app.get<{ Params: Params }>('/api/rooms/:room', handler('call'));
  app.get<{ Params: Params }>('/api/broadcasts/:room', handler('broadcast'));
}
