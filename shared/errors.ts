/** Errors that are sent between client and server: their public codes, the one class, and its wire format. */
import { z } from 'zod';
import type { CloseReason } from './closeReasons.ts';

/** Every public error code, with its default message. The protocol page prints this table. */
export const errorCodes = {
  badMessage: 'The message is malformed: it is not JSON, or not a request, reply or event.',
  badRequest: 'The data of the request is malformed.',
  unknownMethod: 'There is no request of that name.',
  notJoined: 'This request requires a successful join first.',
  alreadyJoined: 'This connection has already joined a room.',
  unauthorized: 'The token is missing, wrong, expired, or for another room.',
  forbidden: 'The grants do not permit this.',
  notFound: 'You have nothing of that name or id.',
  conflict: 'It exists already; close the older one first.',
  unsupported: 'This device and the server have no codec for it in common.',
  roomFull: 'The room is full.',
  rateLimited: 'Too many messages in a short time.',
  busy: 'The server is at capacity; retry after `retryAfter` seconds.',
  unavailable: 'The server cannot do this at the moment; retry later.',
  timeout: 'No reply was received in time.',
  sessionExpired: 'The session has ended; join again.',
  closed: 'The connection, room or peer closed before this was completed.',
  device: 'A camera, microphone or screen could not be captured. Used by the SDK only, never sent.',
  internal: 'An internal error on the other side; its log has the cause.',
} as const;

export type ErrorCode = keyof typeof errorCodes;

/** Causes of one code, for programs that distinguish them. The protocol page prints this table. */
export const errorReasons = {
  missing: '`unauthorized`: no token was sent.',
  invalid: '`unauthorized`: the token is malformed, or not signed for this server.',
  otherRoom: '`unauthorized`: the token is for another room, or for the other kind of room.',
  expired: '`unauthorized`: the token has expired.',
  removed: '`unauthorized`: an administrator removed its bearer after the token was issued.',
  locked: '`forbidden`: the room is locked, and only administrators may join it.',
  waitingRoom:
    '`forbidden`: the room has a waiting room, in which streams of gateways cannot wait; administrators may publish them.',
  denied: '`forbidden`: an administrator did not let this client in.',
  notAdmitted: '`timeout`: nobody has let this client in while it waited.',
  waitingRoomFull: '`roomFull`: too many wait to be let in already.',
  noTurnServer:
    '`unavailable`: media may take TURN servers only (`iceTransportPolicy`), and the server has none. Found by the SDK.',
  roomEnded:
    '`unavailable`: an administrator has ended the room for everyone a moment ago; only administrators open it again before `retryAfter` seconds.',
  draining: '`unavailable`: the server is about to end, and admits nobody.',
} as const;

/** Why no connection could be made, as the SDK finds out. The code is `unavailable`, or `unsupported` for the last one. */
export const connectReasons = {
  offline: 'This device is offline.',
  unreachable: 'Nothing responds at the address of the server.',
  badGateway: 'A proxy responds, but cannot reach the server behind it.',
  otherServer: 'Something other than Weir responds at the address of the server.',
  webSocketBlocked:
    'The server responds to HTTP, but no WebSocket opens, and nothing that takes its place: something in between blocks it.',
  protocolVersion: 'The server has another version of the protocol; reload the page.',
} as const;

/** The cause of an error, where its code alone does not say it. */
export type ErrorReason = keyof typeof errorReasons | keyof typeof connectReasons | CloseReason;

export interface WeirErrorOptions {
  readonly cause?: unknown;
  readonly retryAfter?: number | undefined;
  readonly reason?: ErrorReason | undefined;
  readonly requestId?: string | undefined;
}

/** Weir's only error class. `code` and `message` are public; `cause` is logged and never sent. */
export class WeirError extends Error {
  override readonly name: string = 'WeirError';
  readonly code: ErrorCode;
  /** Seconds after which to retry, where the other side has said so. */
  readonly retryAfter: number | undefined;
  /** The cause, where it is known. */
  readonly reason: ErrorReason | undefined;
  /** Of the request that failed, by which whoever runs the server finds it in the log. */
  readonly requestId: string | undefined;

  constructor(code: ErrorCode, message: string = errorCodes[code], options: WeirErrorOptions = {}) {
    super(message, 'cause' in options ? { cause: options.cause } : undefined);
    this.code = code;
    this.retryAfter = options.retryAfter;
    this.reason = options.reason;
    this.requestId = options.requestId;
  }

  /** The public part of this error. */
  toWire(): WireError {
    return {
      code: this.code,
      message: this.message,
      ...(this.retryAfter !== undefined && { retryAfter: this.retryAfter }),
      ...(this.reason !== undefined && { reason: this.reason }),
    };
  }

  /** The error of a reply. An unknown code, from a newer server, becomes `internal`. */
  static fromWire({ code, message, retryAfter, reason, requestId }: WireError): WeirError {
    const known = reason !== undefined && isErrorReason(reason) ? reason : undefined;
    return new WeirError(isErrorCode(code) ? code : 'internal', message, { retryAfter, reason: known, requestId });
  }

  /** `error` itself if it is a WeirError; otherwise an `internal` one with it as the cause, which is not sent. */
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

/** An error in a message. */
export const WireError = z.object({
  code: z.string().max(64),
  message: z.string().max(1024),
  retryAfter: z.number().nonnegative().optional(),
  reason: z.string().max(64).optional(),
  requestId: z.string().max(64).optional(),
});
export type WireError = z.infer<typeof WireError>;
