/** The HTTP status of an error of Weir, the same for gateways and for the API. */
import type { ErrorCode } from '../../shared/errors.ts';

/** Codes that are missing are internal errors, or cannot occur over HTTP. */
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

export function errorStatus(code: ErrorCode): number {
  return statuses[code] ?? 500;
}
