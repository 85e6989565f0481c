/** Owns the errors that may cross a wire: their public codes, their class, and their wire form. */
import { z } from 'zod';

/** Every code that a peer may be shown, with its meaning. The protocol page prints this table. */
export const errorCodes = {
  badMessage: 'The message is not one of this protocol: not JSON, or none of request, reply and event.',
  badRequest: 'The data of the request does not have the form that this protocol gives it.',
  unknownMethod: 'There is no request of that name.',
  notJoined: 'This request needs a successful join first.',
  alreadyJoined: 'This connection has joined a room already.',
  unauthorized: 'The token is missing, wrong, expired, or for another room.',
  forbidden: "The token's grants do not allow this.",
  notFound: 'There is nothing of that name or id among what is yours.',
  conflict: 'It exists already; close the older one first.',
  incapable: 'This device and the server have no codec in common for it.',
  roomFull: 'The room has as many peers as it may have.',
  rateLimited: 'Too many messages in too short a time; slow down.',
  busy: 'The server has as much to do as it can; try again after `retryAfter` seconds.',
  unavailable: 'The server cannot do this now; try again a little later.',
  timeout: 'No reply came in time.',
  gone: 'This stay is over; join again.',
  closed: 'The connection, room or peer closed before this was done.',
  internal: 'Something failed on the other side; its log says what.',
} as const;

export type ErrorCode = keyof typeof errorCodes;

/** What an `unauthorized` may say about the token, for programs: `expired`, or its owner was `removed` since it was made. */
export type ErrorReason = 'expired' | 'removed';

/** The one error class of Weir: `code` and `message` are public, `cause` is for the log and never sent. */
export class WeirError extends Error {
  override readonly name = 'WeirError';
  readonly code: ErrorCode;
  /** Seconds after which trying again makes sense, where the other side said so. */
  readonly retryAfter: number | undefined;
  readonly reason: ErrorReason | undefined;

  constructor(
    code: ErrorCode,
    message: string = errorCodes[code],
    options: { cause?: unknown; retryAfter?: number | undefined; reason?: ErrorReason | undefined } = {},
  ) {
    super(message, 'cause' in options ? { cause: options.cause } : undefined);
    this.code = code;
    this.retryAfter = options.retryAfter;
    this.reason = options.reason;
  }

  /** What the other side may know of this error. */
  toWire(): WireError {
    return {
      code: this.code,
      message: this.message,
      ...(this.retryAfter !== undefined && { retryAfter: this.retryAfter }),
      ...(this.reason !== undefined && { reason: this.reason }),
    };
  }

  /** The error that a reply carried. A code that only a newer server knows becomes `internal`. */
  static fromWire({ code, message, retryAfter, reason }: WireError): WeirError {
    const known = reason === 'expired' || reason === 'removed' ? reason : undefined;
    return new WeirError(isErrorCode(code) ? code : 'internal', message, { retryAfter, reason: known });
  }

  /** `error` itself when it is public already, else an `internal` one that hides it as its cause. */
  static from(error: unknown): WeirError {
    return error instanceof WeirError ? error : new WeirError('internal', errorCodes.internal, { cause: error });
  }
}

function isErrorCode(code: string): code is ErrorCode {
  return Object.hasOwn(errorCodes, code);
}

/** An error as it stands in a message. */
export const WireError = z.object({
  code: z.string().max(64),
  message: z.string().max(1024),
  retryAfter: z.number().nonnegative().optional(),
  reason: z.string().max(64).optional(),
});
export type WireError = z.infer<typeof WireError>;
