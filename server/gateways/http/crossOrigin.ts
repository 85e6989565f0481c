/** Which pages may use a gateway, by the rule of the signalling; and CORS for those (https://fetch.spec.whatwg.org). */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { WeirError } from '../../../shared/errors.ts';
import { originAllowed } from '../../common/originAllowed.ts';

export interface CrossOriginOptions {
  /** Origins of other pages than the server's own, or `*`. */
  readonly allowedOrigins: readonly string[];
  /** How many proxies are trusted. */
  readonly trustProxy: number;
}

/** What scripts may read of responses besides the body. */
const EXPOSED = 'ETag, Link, Location, Retry-After, Accept-Patch, Accept-Post, X-Request-Id';
const REQUEST_HEADERS = 'Authorization, Content-Type, If-Match';
/** How long a browser may remember the answer to a preflight, in seconds. */
const MAX_AGE = 7200;

/** Refuses pages that may not connect, in all routes of `app`; others may read the responses. */
export function answerCrossOrigin(app: FastifyInstance, { allowedOrigins, trustProxy }: CrossOriginOptions): void {
  app.addHook('onRequest', async (request, reply) => {
    const { origin } = request.headers;
    if (origin === undefined) return;
    reply.header('vary', 'Origin');
    if (!originAllowed(request, allowedOrigins, trustProxy)) {
      throw new WeirError('forbidden', `Pages of ${origin} may not use this server: see WEIR_ALLOWED_ORIGINS.`);
    }
    reply.header('access-control-allow-origin', origin).header('access-control-expose-headers', EXPOSED);
  });
}

/** The response to OPTIONS, preflight or not. @param accepts `Accept-Post` or `Accept-Patch`, with its media types */
export function answerOptions(
  request: FastifyRequest,
  reply: FastifyReply,
  methods: string,
  accepts: Readonly<Record<string, string>>,
): FastifyReply {
  reply.headers(accepts).header('allow', methods);
  if (request.headers['access-control-request-method'] !== undefined) {
    reply.header('access-control-allow-methods', methods);
    reply.header('access-control-allow-headers', REQUEST_HEADERS);
    reply.header('access-control-max-age', String(MAX_AGE));
  }
  return reply.code(200).send();
}
