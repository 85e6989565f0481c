/** Liveness and readiness, for load balancers and orchestrators. */
import type { FastifyInstance } from 'fastify';
import type { WorkerPool } from '../media/WorkerPool.ts';
import type { RoomManager } from '../room/RoomManager.ts';

/** `GET /health`: 200 while the process responds. `GET /ready`: 200 while all media workers run and joins are admitted, else 503. */
export async function health(
  app: FastifyInstance,
  { pool, rooms }: { pool: WorkerPool; rooms: RoomManager },
): Promise<void> {
  // The SDK requests it when it cannot connect, also from pages of other origins.
  app.get('/health', (_request, reply) => reply.header('access-control-allow-origin', '*').send({ status: 'ok' }));
  app.get('/ready', (_request, reply) => {
    if (rooms.draining) return reply.code(503).header('retry-after', '10').send({ status: 'draining' });
    if (pool.complete) return { status: 'ready' };
    return reply.code(503).header('retry-after', '1').send({ status: 'media workers are missing' });
  });
}
