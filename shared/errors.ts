/** Owns the errors that may cross a wire: their public codes, their class, and their wire form. */
import { z } from 'zod';
import type { CloseReason } from './closeReasons.ts';

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
  unsupported: 'This device and the server have no codec in common for it.',
  roomFull: 'The room has as many peers as it may have.',
  rateLimited: 'Too many messages in too short a time; slow down.',
  busy: 'The server has as much to do as it can; try again after `retryAfter` seconds.',
  unavailable: 'The server cannot do this now; try again a little later.',
  timeout: 'No reply came in time.',
  sessionExpired: 'This stay is over; join again.',
  closed: 'The connection, room or peer closed before this was done.',
  device: 'A camera, microphone or screen could not be opened; the SDK only, and never sent.',
  internal: 'Something failed on the other side; its log says what.',
} as const;

export type ErrorCode = keyof typeof errorCodes;

/** What tells the causes of one code apart, for programs. The protocol page prints this table. */
export const errorReasons = {
  missing: '`unauthorized`: no token was sent.',
  invalid: '`unauthorized`: it is no token, or it was not signed for this server.',
  otherRoom: '`unauthorized`: the token is for another room, or for the other kind of room.',
  expired: '`unauthorized`: the token has expired.',
  removed: '`unauthorized`: an administrator has removed its owner since the token was made.',
  draining: '`unavailable`: the server is about to end, and lets nobody in.',
} as const;

/** Why there is no connection at all: the SDK finds it out, with code `unavailable`, or `unsupported` for the last one. */
export const connectReasons = {
  offline: 'This device has no network.',
  unreachable: 'Nothing answers at the address of the server.',
  badGateway: 'A proxy answers, and does not reach the server behind it.',
  otherServer: 'What answers at the address of the server is no Weir server.',
  webSocketBlocked: 'The server answers HTTP, but no WebSocket opens: something between blocks it.',
  protocolVersion: 'The server speaks another version of the protocol; reload the page.',
} as const;

/** Why something failed, in finer words than its code. */
export type ErrorReason = keyof typeof errorReasons | keyof typeof connectReasons | CloseReason;

/** The one error class of Weir: `code` and `message` are public, `cause` is for the log and never sent. */
export class WeirError extends Error {
  override readonly name: string = 'WeirError';
  readonly code: ErrorCode;
  /** Seconds after which trying again makes sense, where the other side said so. */
  readonly retryAfter: number | undefined;
  /** Why in particular, where that is known. */
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
    const known = reason !== undefined && isErrorReason(reason) ? reason : undefined;
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

function isErrorReason(reason: string): reason is keyof typeof errorReasons {
  return Object.hasOwn(errorReasons, reason);
}

/** An error as it stands in a message. */
export const WireError = z.object({
  code: z.string().max(64),
  message: z.string().max(1024),
  retryAfter: z.number().nonnegative().optional(),
  reason: z.string().max(64).optional(),
});
export type WireError = z.infer<typeof WireError>;
