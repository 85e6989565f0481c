/** Owns what a load balancer or an orchestrator asks: is Weir alive, and may it be sent new people. */
import type { FastifyInstance } from 'fastify';
import type { WorkerPool } from '../media/WorkerPool.ts';
import type { RoomManager } from '../room/RoomManager.ts';

/** `GET /health`: 200 while the process answers. `GET /ready`: 200 while all media workers run and Weir lets people in, else 503. */
export async function health(
  app: FastifyInstance,
  { pool, rooms }: { pool: WorkerPool; rooms: RoomManager },
): Promise<void> {
  // The SDK asks from pages of other origins as well, when it cannot connect.
  app.get('/health', (_request, reply) => reply.header('access-control-allow-origin', '*').send({ status: 'ok' }));
  app.get('/ready', (_request, reply) => {
    if (rooms.draining) return reply.code(503).header('retry-after', '10').send({ status: 'draining' });
    if (pool.complete) return { status: 'ready' };
    return reply.code(503).header('retry-after', '1').send({ status: 'media workers are missing' });
  });
}
