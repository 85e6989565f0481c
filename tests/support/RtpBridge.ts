/** A program between two sessions of plain RTP: hands on what the server sends in the one to the other, and RTCP back. */
import type { Socket } from 'node:dgram';
import { openUdp } from './rtp.ts';

/** Both sessions have RTCP on the port of RTP, and are on loopback. */
export class RtpBridge implements Disposable {
  /** Of the first packet that comes. */
  readonly ssrc: Promise<number>;
  readonly #socket: Socket;
  #from = 0;
  #to = 0;

  private constructor(socket: Socket) {
    this.#socket = socket;
    const { promise, resolve } = Promise.withResolvers<number>();
    this.ssrc = promise;
    socket.on('message', (packet, { port }) => {
      if (port === this.#to) {
        socket.send(packet, this.#from, '127.0.0.1');
        return;
      }
      this.#from = port;
      // RTCP has types from 192 to 223 in the place of marker and payload type (RFC 5761, section 4).
      const type = packet.readUInt8(1);
      if (type < 192 || type > 223) resolve(packet.readUInt32BE(8));
      if (this.#to > 0) socket.send(packet, this.#to, '127.0.0.1');
    });
  }

  static async open(): Promise<RtpBridge> {
    return new RtpBridge(await openUdp());
  }

  /** Where it is to be sent to. */
  get port(): number {
    return this.#socket.address().port;
  }

  /** Hands on from now on. @param port of the session that receives */
  connect(port: number): void {
    this.#to = port;
  }

  [Symbol.dispose](): void {
    this.#socket.close();
  }
}
