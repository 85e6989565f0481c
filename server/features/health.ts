/** Owns what a load balancer or an orchestrator asks: is Weir alive, and may it be sent new people. */
import type { FastifyInstance } from 'fastify';
import type { WorkerPool } from '../media/WorkerPool.ts';

/** `GET /health`: 200 while the process answers. `GET /ready`: 200 while all media workers run, else 503. */
export async function health(app: FastifyInstance, { pool }: { pool: WorkerPool }): Promise<void> {
  app.get('/health', () => ({ status: 'ok' }));
  app.get('/ready', (_request, reply) => {
    if (pool.complete) return { status: 'ready' };
    return reply.code(503).header('retry-after', '1').send({ status: 'media workers are missing' });
  });
}
