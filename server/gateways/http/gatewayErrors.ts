/** Errors of Weir as HTTP responses of gateways: a status, when to try again, and problem details (RFC 9457). */
import type { FastifyError, FastifyReply, FastifyRequest } from 'fastify';
import { type ErrorCode, WeirError } from '../../../shared/errors.ts';
import { sendProblemDetails } from '../../features/problems.ts';

/** Codes that are missing cannot occur here, or are internal errors. */
const statuses: Partial<Record<ErrorCode, number>> = {
  badRequest: 400,
  unauthorized: 401,
  forbidden: 403,
  notFound: 404,
  conflict: 409,
  // Well-formed, and cannot be served.
  unsupported: 422,
  rateLimited: 429,
  roomFull: 503,
  busy: 503,
  unavailable: 503,
  closed: 503,
};
/** When to try again where the error does not say it, in seconds. */
const RETRY_AFTER: Partial<Record<ErrorCode, number>> = {
  rateLimited: 5,
  roomFull: 30,
  busy: 5,
  unavailable: 5,
  closed: 1,
};

/** Handles whatever a route of a gateway throws, and errors of Fastify, such as a body that is too large. */
export function sendGatewayError(error: FastifyError, request: FastifyRequest, reply: FastifyReply): FastifyReply {
  const { statusCode = 500 } = error;
  if (!(error instanceof WeirError) && statusCode < 500) return sendProblemDetails(reply, statusCode, detailOf(error));
  const { code, message, retryAfter = RETRY_AFTER[code] } = WeirError.from(error);
  const status = statuses[code] ?? 500;
  if (status === 500)
    request.log.error({ err: error, method: request.method, url: request.routeOptions.url }, 'request failed');
  if (status === 401) reply.header('www-authenticate', 'Bearer');
  if (retryAfter !== undefined) reply.header('retry-after', String(Math.ceil(retryAfter)));
  return sendProblemDetails(reply, status, message);
}

function detailOf({ code, statusCode }: FastifyError): string {
  if (statusCode === 413) return 'The body is too large.';
  if (code === 'FST_ERR_CTP_INVALID_MEDIA_TYPE') return 'The body must have the content type of this protocol.';
  return 'The request is malformed.';
}
