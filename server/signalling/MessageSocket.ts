/** What carries the text messages of one connection: a WebSocket, or what takes its place over HTTP. */

/** Whom a socket notifies. */
export interface MessageSocketListener {
  /** The client has sent a message. */
  onMessage(message: string): void;
  /** The client has sent something else than messages in their order, or repeats itself too often. */
  onViolation(reason: 'protocolError' | 'rateLimited'): void;
  /** The client has closed the socket, or it is lost. @param code of the close frame; 1005 or 1006 without one */
  onClose(code: number): void;
}

export interface MessageSocket {
  /** How much of what was sent has not left this process, in bytes. */
  readonly bufferedAmount: number;
  /** Sets its listener. Nothing arrives before. */
  listen(listener: MessageSocketListener): void;
  /** Sends a message; does nothing once the socket has closed. */
  send(message: string): void;
  /** Sends the client code and reason, after all messages, and closes the socket. */
  close(code: number, reason: string): void;
  /** Closes it at once, without waiting for the client. */
  terminate(): void;
}
