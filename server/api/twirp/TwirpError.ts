/** Errors of Twirp, by which LiveKit's API reports them: a code, its HTTP status, and a message. */
import { type ErrorCode, WeirError } from '../../../shared/errors.ts';

/** The codes that are used here, with their HTTP statuses. @see https://twitchtv.github.io/twirp/docs/errors.html */
const statuses = {
  malformed: 400,
  invalid_argument: 400,
  unauthenticated: 401,
  permission_denied: 403,
  not_found: 404,
  bad_route: 404,
  failed_precondition: 412,
  resource_exhausted: 429,
  internal: 500,
  unimplemented: 501,
  unavailable: 503,
} as const;
export type TwirpCode = keyof typeof statuses;

/** Codes that are missing are internal errors. */
const twirpCodes: Partial<Record<ErrorCode, TwirpCode>> = {
  badRequest: 'invalid_argument',
  unauthorized: 'unauthenticated',
  forbidden: 'permission_denied',
  notFound: 'not_found',
  conflict: 'failed_precondition',
  unsupported: 'failed_precondition',
  rateLimited: 'resource_exhausted',
  roomFull: 'resource_exhausted',
  busy: 'unavailable',
  unavailable: 'unavailable',
  closed: 'unavailable',
};

export class TwirpError extends Error {
  override readonly name = 'TwirpError';
  readonly code: TwirpCode;

  constructor(code: TwirpCode, message: string) {
    super(message);
    this.code = code;
  }

  get status(): number {
    return statuses[this.code];
  }

  /** The body of the response. */
  get body(): string {
    return JSON.stringify({ code: this.code, msg: this.message });
  }

  /** @param error anything that was thrown; what is not public of it is not in the result */
  static from(error: unknown): TwirpError {
    if (error instanceof TwirpError) return error;
    const { code, message } = WeirError.from(error);
    return new TwirpError(twirpCodes[code] ?? 'internal', message);
  }
}
