/** Errors of Weir as HTTP responses of gateways: a status, when to try again, and problem details (RFC 9457). */
import type { FastifyError, FastifyReply, FastifyRequest } from 'fastify';
import { type ErrorCode, WeirError } from '../../../shared/errors.ts';
import { RefusalLog } from '../../common/RefusalLog.ts';
import { errorStatus } from '../../features/errorStatus.ts';
import { sendProblemDetails } from '../../features/problems.ts';

/** When to try again where the error does not say it, in seconds. */
const RETRY_AFTER: Partial<Record<ErrorCode, number>> = {
  rateLimited: 5,
  roomFull: 30,
  busy: 5,
  unavailable: 5,
  closed: 1,
};

/** @returns a handler of whatever a route of a gateway throws, and of errors of Fastify, such as a body that is too large */
export function gatewayErrors() {
  const refusals = new RefusalLog();
  return (error: FastifyError, request: FastifyRequest, reply: FastifyReply): FastifyReply => {
    const { status, detail, retryAfter } = problemOf(error);
    const line = { method: request.method, path: request.routeOptions.url, status };
    if (status === 500) request.log.error({ err: error, ...line }, 'request failed');
    else refusals.write(request.log, { ...line, detail });
    if (status === 401) reply.header('www-authenticate', 'Bearer');
    if (retryAfter !== undefined) reply.header('retry-after', String(Math.ceil(retryAfter)));
    return sendProblemDetails(reply, status, detail);
  };
}

function problemOf(error: FastifyError): { status: number; detail: string; retryAfter?: number | undefined } {
  const { statusCode = 500 } = error;
  if (!(error instanceof WeirError) && statusCode < 500) return { status: statusCode, detail: detailOf(error) };
  const { code, message: detail, retryAfter = RETRY_AFTER[code] } = WeirError.from(error);
  return { status: errorStatus(code), detail, retryAfter };
}

function detailOf({ code, statusCode }: FastifyError): string {
  if (statusCode === 413) return 'The body is too large.';
  if (code === 'FST_ERR_CTP_INVALID_MEDIA_TYPE') return 'The body must have the content type of this protocol.';
  return 'The request is malformed.';
}
