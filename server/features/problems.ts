/** HTTP error responses: a page for browsers, problem details (RFC 9457) for programs; and security headers. */
import { STATUS_CODES } from 'node:http';
import type { Socket } from 'node:net';
import { negotiate } from '@fastify/accept-negotiator';
import type { FastifyError, FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { type PageProblem, pageProblems } from '../../shared/pageProblems.ts';
import type { PageDocument } from './PageDocument.ts';

/** The policy of a document. @param scripts the sources of its scripts */
export const contentSecurityPolicy = (scripts = "'self'"): string =>
  [
    "default-src 'none'",
    `script-src ${scripts}`,
    "style-src 'self'",
    "img-src 'self' data:",
    "media-src 'self' blob:",
    "connect-src 'self'",
    "manifest-src 'self'",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'self'",
    "require-trusted-types-for 'script'",
    "trusted-types 'none'",
  ].join('; ');

/** Sent with every response; a document may have a policy of its own. */
export const securityHeaders = {
  'content-security-policy': contentSecurityPolicy(),
  'permissions-policy': 'camera=(self), microphone=(self), display-capture=(self), geolocation=(), payment=(), usb=()',
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
  'cross-origin-opener-policy': 'same-origin',
} as const;

/** The body of an error response for programs. @see https://www.rfc-editor.org/rfc/rfc9457 */
export function problemDetails(status: number, detail: string) {
  return { type: 'about:blank', title: STATUS_CODES[status] ?? 'Error', status, detail };
}

/** Sends problem details. */
export function sendProblemDetails(reply: FastifyReply, status: number, detail: string): FastifyReply {
  return reply
    .code(status)
    .header('content-type', 'application/problem+json; charset=utf-8')
    .header('cache-control', 'no-store')
    .send(JSON.stringify({ ...problemDetails(status, detail), requestId: reply.request.id }));
}

/** Sends a problem in the form that the client prefers. Browsers request HTML by name; programs accept anything. */
export function sendProblem(
  document: PageDocument,
  request: FastifyRequest,
  reply: FastifyReply,
  problem: PageProblem,
  status: number = pageProblems[problem].status,
): FastifyReply {
  reply.code(status).header('vary', 'accept');
  const form = negotiate(request.headers.accept ?? '', ['application/problem+json', 'application/json', 'text/html']);
  if (form === 'text/html') return document.send(request, reply, { problem });
  return sendProblemDetails(reply, status, `${pageProblems[problem].title}.`);
}

/** Adds the security headers to every response, and handles requests without a route and errors of routes. */
export function answerProblems(app: FastifyInstance, document: PageDocument): void {
  app.addHook('onSend', async (request, reply) => {
    const policy = reply.getHeader('content-security-policy') ?? securityHeaders['content-security-policy'];
    reply.headers({ ...securityHeaders, 'content-security-policy': policy, 'x-request-id': request.id });
    // Only files that other origins may import, such as the SDK, are cross-origin resources.
    reply.header(
      'cross-origin-resource-policy',
      reply.getHeader('access-control-allow-origin') ? 'cross-origin' : 'same-origin',
    );
  });
  app.setNotFoundHandler((request, reply) => {
    // There are no routes for other methods.
    if (request.method === 'GET' || request.method === 'HEAD') {
      const isRoom = /^\/+([rb]|watch)(\/|$)/i.test(request.url.split('?', 1)[0] ?? '');
      return sendProblem(document, request, reply, isRoom ? 'noRoom' : 'notFound');
    }
    return sendProblem(document, request, reply.header('allow', 'GET, HEAD'), 'notAllowed');
  });
  app.setErrorHandler((error: FastifyError, request, reply) => answerError(document, error, request, reply));
}

/** Handles an error of Fastify itself or of a route. */
export function answerError(document: PageDocument, error: FastifyError, request: FastifyRequest, reply: FastifyReply) {
  // Hooks do not run for errors before routing.
  reply.headers(securityHeaders).header('x-request-id', request.id);
  if (error.code === 'FST_ERR_BAD_URL') return sendProblem(document, request, reply, 'badAddress');
  const { statusCode = 500 } = error;
  // From the static file server, for a path that cannot be a file.
  if (statusCode === 403) return sendProblem(document, request, reply, 'notFound');
  if (statusCode < 500) return sendProblem(document, request, reply, 'badRequest', statusCode);
  // Without the query, in which people may have put a token.
  const path = request.url.split('?', 1)[0];
  request.log.error({ err: error, method: request.method, path }, 'request failed');
  return sendProblem(document, request, reply, 'internal', statusCode);
}

/** Responds to a malformed or oversized HTTP request. It was not parsed, so nothing is known of the client. */
export function answerClientError(document: PageDocument, error: NodeJS.ErrnoException, socket: Socket): void {
  if (error.code === 'ECONNRESET' || !socket.writable) {
    socket.destroy();
    return;
  }
  const problem: PageProblem = error.code === 'HPE_HEADER_OVERFLOW' ? 'headersTooLarge' : 'badRequest';
  const status = error.code === 'ERR_HTTP_REQUEST_TIMEOUT' ? 408 : pageProblems[problem].status;
  const body = document.text(problem);
  const headers = {
    ...securityHeaders,
    'content-type': 'text/html; charset=utf-8',
    'content-length': String(Buffer.byteLength(body)),
    connection: 'close',
  };
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
  socket.end(`HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\n${lines.join('')}\r\n${body}`);
}
