/** Owns what may be known of a room before joining it: who is inside. */
import type { FastifyInstance } from 'fastify';
import { WeirError } from '../../shared/errors.ts';
import { RoomName } from '../../shared/protocol.ts';
import type { Rooms } from '../room/Rooms.ts';
import type { Gate } from '../signalling/tokens.ts';

export interface InsideOptions {
  readonly rooms: Rooms;
  readonly gate: Gate;
}

/**
 * `GET /api/rooms/<room>`: 200 `{ people: [{ name }] }`, an empty list for a room that nobody is in. Where rooms need
 * tokens: 401, unless `Authorization: Bearer <token>` opens that room. 400 for what is no room's name.
 */
export async function inside(app: FastifyInstance, { rooms, gate }: InsideOptions): Promise<void> {
  app.get<{ Params: { room: string } }>('/api/rooms/:room', async (request, reply) => {
    const name = RoomName.safeParse(request.params.room);
    if (!name.success) return reply.code(400).send({ error: 'This is not the name of a room.' });
    const token = /^Bearer (.+)$/.exec(request.headers.authorization ?? '')?.[1];
    try {
      await gate.admit(token, name.data);
    } catch (error) {
      return reply
        .code(401)
        .header('www-authenticate', 'Bearer')
        .send({ error: WeirError.from(error).message });
    }
    const room = await rooms.find(name.data);
    const people = room?.peersSeenBy().map((peer) => ({ name: peer.name })) ?? [];
    return reply.header('cache-control', 'no-store').send({ people });
  });
}
