/** What carries the text messages of one connection: a WebSocket, or what takes its place over HTTP. */
import type { SignallingKind } from '../Signalling.ts';

/** Whom a socket notifies. */
export interface MessageSocketListener {
  onOpen(): void;
  onMessage(message: string): void;
  /** It has closed, or could not be opened. Called once. @param code as of WebSocket close frames; 1006 without one */
  onClose(code: number, reason: string): void;
}

export interface MessageSocket {
  /** Sends a message. @returns false, and sends nothing, unless it is open */
  send(message: string): boolean;
  /** Sends the server code and reason, also from a page that is being unloaded, and closes. */
  close(code: number, reason: string): void;
}

/** A kind of socket. */
export interface SocketKind {
  readonly name: SignallingKind;
  /** Whether something in between may pass the beginning of what the server sends, and hold the rest back. */
  readonly mayBeBuffered: boolean;
  /**
   * @param url where the server is: an http(s) or ws(s) URL, with the path that it is under
   * @throws {WeirError} `badRequest` if it is none
   */
  open(url: string, listener: MessageSocketListener): MessageSocket;
}
