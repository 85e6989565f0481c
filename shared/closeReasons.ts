/** Owns the reasons for which a connection, peer or room ends, and the WebSocket close code of each. */

/**
 * Reason -> close code (RFC 6455 leaves 4000-4999 to applications) and what a person is told.
 * The reason's name itself travels as the close frame's reason text.
 */
export const closeReasons = {
  left: { code: 1000, message: 'You left the room.' },
  replaced: { code: 4001, message: 'You joined this room from somewhere else; this connection made way for it.' },
  kicked: { code: 4002, message: 'An administrator of the room removed you.' },
  serverClosing: { code: 4003, message: 'The server is shutting down or restarting.' },
  roomClosed: { code: 4004, message: 'The room was closed.' },
  mediaLost: { code: 4005, message: 'The part of the server that carried this room failed.' },
  protocolError: { code: 4006, message: 'This connection sent messages that are not of this protocol.' },
  rateLimited: { code: 4007, message: 'This connection sent too many messages.' },
  joinTimeout: { code: 4008, message: 'This connection did not join a room in time.' },
  unresponsive: { code: 4009, message: 'The other side stopped answering.' },
  sendBufferFull: { code: 4010, message: 'This connection does not read fast enough what it is sent.' },
  tooManyConnections: { code: 4011, message: 'There are too many connections from this address.' },
  mediaFailed: { code: 4012, message: 'Sound and picture found no way between this device and the server.' },
  resumed: { code: 4013, message: 'The same client went on over another connection.' },
  abandoned: { code: 4014, message: 'The client gave this connection up, and may come back over another.' },
  originNotAllowed: {
    code: 4015,
    message: 'The server does not accept connections of pages of this address.',
  },
  disconnected: { code: 1006, message: 'The connection was lost.' },
} as const;

export type CloseReason = keyof typeof closeReasons;

/** The reason that a close frame stands for; what is not ours counts as a lost connection. */
export function closeReason(code: number): CloseReason {
  for (const reason of Object.keys(closeReasons)) {
    if (isCloseReason(reason) && closeReasons[reason].code === code) return reason;
  }
  return 'disconnected';
}

function isCloseReason(reason: string): reason is CloseReason {
  return Object.hasOwn(closeReasons, reason);
}
