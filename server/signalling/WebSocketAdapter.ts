/** A WebSocket as a `MessageSocket`. */
import type { WebSocket } from 'ws';
import type { MessageSocket, MessageSocketListener } from './MessageSocket.ts';

export class WebSocketAdapter implements MessageSocket {
  readonly #socket: WebSocket;

  constructor(socket: WebSocket) {
    this.#socket = socket;
  }

  get bufferedAmount(): number {
    return this.#socket.bufferedAmount;
  }

  listen(listener: MessageSocketListener): void {
    this.#socket.on('message', (data, isBinary) => {
      if (isBinary) listener.onViolation('protocolError');
      else listener.onMessage(data.toString());
    });
    this.#socket.on('close', (code) => listener.onClose(code));
  }

  send(message: string): void {
    this.#socket.send(message);
  }

  close(code: number, reason: string): void {
    this.#socket.close(code, reason);
  }

  terminate(): void {
    this.#socket.terminate();
  }
}
