/** Counts what is sent and received over WebSockets. */
import type { WebSocket } from 'ws';

/** Text messages and their bytes (UTF-8, without WebSocket framing), in both directions. */
export class Traffic {
  readonly sent = { messages: 0, bytes: 0 };
  readonly received = { messages: 0, bytes: 0 };

  /** @returns what sends a message over the socket, and counts it */
  sender(socket: WebSocket): (message: string) => void {
    return (message) => {
      this.sent.messages += 1;
      this.sent.bytes += Buffer.byteLength(message);
      socket.send(message);
    };
  }

  /** Counts each message of the socket, and passes it on. */
  receive(socket: WebSocket, onMessage: (message: string) => void): void {
    socket.on('message', (data) => {
      const message = data.toString();
      this.received.messages += 1;
      this.received.bytes += Buffer.byteLength(message);
      onMessage(message);
    });
  }
}
