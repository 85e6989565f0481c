/** How a request reached Weir: for whoever sets up a proxy before it. */
import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { ConnectionInfo } from '../../shared/selfTest.ts';

/** Entries of X-Forwarded-For that are shown at most. */
const MAX_FORWARDED = 16;

/** `GET /api/connection`: 200 with `ConnectionInfo`. Clients learn what they have sent themselves, and their own address. */
export async function connectionInfo(app: FastifyInstance, { trustProxy }: { trustProxy: number }): Promise<void> {
  app.get('/api/connection', (request, reply) => {
    const forwardedFor = header(request, 'x-forwarded-for')?.split(',') ?? [];
    const info: ConnectionInfo = {
      address: request.ip,
      protocol: request.protocol,
      host: request.host,
      forwarded: {
        for: forwardedFor.slice(-MAX_FORWARDED).map((entry) => entry.trim()),
        proto: header(request, 'x-forwarded-proto'),
        host: header(request, 'x-forwarded-host'),
      },
      trustedProxies: trustProxy,
    };
    return reply.header('cache-control', 'no-store').send(info);
  });
}

function header({ headers }: FastifyRequest, name: string): string | undefined {
  const value = headers[name];
  return Array.isArray(value) ? value.join(',') : value;
}
