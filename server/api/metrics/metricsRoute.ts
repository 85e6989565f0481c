/** `/metrics`, for Prometheus: on a port of its own, and for bearers of a token where people are served. */
import { createHash, timingSafeEqual } from 'node:crypto';
import type { FastifyInstance } from 'fastify';
import type { Metrics } from './Metrics.ts';

export interface MetricsRouteOptions {
  readonly metrics: Metrics;
  /** What requests have to bear; undefined for nothing. */
  readonly token: string | undefined;
}

/** `GET /metrics`: 200 with all series; 401 without `Authorization: Bearer <token>`, where there is a token. */
export async function metricsRoute(app: FastifyInstance, { metrics, token }: MetricsRouteOptions): Promise<void> {
  app.get('/metrics', async (request, reply) => {
    reply.header('cache-control', 'no-store');
    if (token !== undefined && !bears(request.headers.authorization, token)) {
      const text = 'This needs "Authorization: Bearer" with the token in WEIR_METRICS_TOKEN.\n';
      return reply.code(401).header('www-authenticate', 'Bearer').type('text/plain; charset=utf-8').send(text);
    }
    return reply.type(metrics.contentType).send(await metrics.text());
  });
}

function bears(authorization: string | undefined, token: string): boolean {
  const [, given = ''] = /^Bearer +(\S+) *$/i.exec(authorization ?? '') ?? [];
  const digest = (text: string) => createHash('sha256').update(text).digest();
  return timingSafeEqual(digest(given), digest(token));
}
