/** The reasons for which connections, peers and rooms close, with the WebSocket close code of each. */

/**
 * Close codes (RFC 6455 reserves 4000 to 4999 for applications) and messages for people, by reason.
 * The reason text of a close frame is the name of the reason.
 */
export const closeReasons = {
  left: { code: 1000, message: 'You left the room.' },
  replaced: {
    code: 4001,
    message: 'You joined this room from another device or page, which replaced this connection.',
  },
  kicked: { code: 4002, message: 'An administrator removed you from the room.' },
  serverClosing: { code: 4003, message: 'The server is shutting down or restarting.' },
  roomClosed: { code: 4004, message: 'The room was closed.' },
  mediaLost: { code: 4005, message: 'The media worker of this room failed.' },
  protocolError: { code: 4006, message: 'This connection sent malformed messages.' },
  rateLimited: { code: 4007, message: 'This connection sent too many messages.' },
  joinTimeout: { code: 4008, message: 'This connection did not join a room in time.' },
  unresponsive: { code: 4009, message: 'The other side stopped responding.' },
  sendBufferFull: { code: 4010, message: 'This connection reads too slowly.' },
  tooManyConnections: { code: 4011, message: 'There are too many connections from this IP address.' },
  mediaFailed: { code: 4012, message: 'Media cannot be sent between this device and the server.' },
  resumed: { code: 4013, message: 'The same client resumed on another connection.' },
  abandoned: { code: 4014, message: 'The client abandoned this connection, and may resume on another one.' },
  roomEnded: { code: 4016, message: 'An administrator ended it for everyone.' },
  originNotAllowed: { code: 4015, message: 'The server does not accept connections from pages of this origin.' },
  disconnected: { code: 1006, message: 'The connection was lost.' },
} as const;

export type CloseReason = keyof typeof closeReasons;

/** The reason for a close code. A code that is not one of these counts as a lost connection. */
export function closeReason(code: number): CloseReason {
  for (const reason of Object.keys(closeReasons)) {
    if (isCloseReason(reason) && closeReasons[reason].code === code) return reason;
  }
  return 'disconnected';
}

function isCloseReason(reason: string): reason is CloseReason {
  return Object.hasOwn(closeReasons, reason);
}
