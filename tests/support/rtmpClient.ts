/** A client of RTMP that sends commands and reads what it is answered, without media. */
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { vi } from 'vitest';
import { type AmfValue, readAmf, writeAmf } from '../../server/gateways/rtmp/amf0.ts';
import { ChunkReader, messageType, writeChunkSize, writeMessage } from '../../server/gateways/rtmp/chunks.ts';

const HANDSHAKE_SIZE = 1536;
/** Milliseconds. */
const waiting = { timeout: 5000, interval: 5 };

export class RtmpClient implements Disposable {
  readonly socket: Socket;
  readonly commands: AmfValue[][] = [];
  closed = false;
  readonly #reader = new ChunkReader();
  #early = 1 + 2 * HANDSHAKE_SIZE;

  private constructor(socket: Socket) {
    this.socket = socket;
    socket.on('error', () => {});
    socket.on('close', () => {
      this.closed = true;
    });
    socket.on('data', (bytes: Buffer) => {
      const skipped = Math.min(this.#early, bytes.length);
      this.#early -= skipped;
      for (const { type, payload } of this.#reader.read(bytes.subarray(skipped))) {
        if (type === messageType.command) this.commands.push(readAmf(payload));
      }
    });
  }

  /** @param localAddress of loopback, such as 127.0.5.1, to be in another network than others */
  static async connect(port: number, localAddress?: string): Promise<RtmpClient> {
    const socket = connect({ port, host: '127.0.0.1', localAddress });
    await once(socket, 'connect');
    return new RtmpClient(socket);
  }

  /** Sends the handshake and how long its chunks are, and does not wait for the server. */
  shakeHands(): void {
    this.socket.write(Buffer.concat([Buffer.from([3]), Buffer.alloc(2 * HANDSHAKE_SIZE), writeChunkSize()]));
  }

  send(...values: AmfValue[]): void {
    const payload = writeAmf(values);
    this.socket.write(writeMessage({ type: messageType.command, streamId: 0, timestamp: 0, payload }));
  }

  /** Sends audio or video: a message in one chunk. */
  sendMedia(type: number, timestamp: number, ...payload: number[]): void {
    this.socket.write(writeMessage({ type, streamId: 1, timestamp, payload: Buffer.from(payload) }));
  }

  /** Does what encoders do before they send media. @returns the status that it is answered */
  async publish(app: string, streamKey: string): Promise<AmfValue> {
    this.shakeHands();
    this.send('connect', 1, { app, tcUrl: `rtmp://127.0.0.1/${app}` });
    this.send('releaseStream', 2, null, streamKey);
    this.send('createStream', 4, null);
    this.send('publish', 5, null, streamKey, 'live');
    return this.status();
  }

  /** The last status that the server has sent. */
  async status(): Promise<AmfValue> {
    return vi.waitUntil(() => this.commands.findLast(([name]) => name === 'onStatus')?.[3], waiting);
  }

  async untilClosed(): Promise<void> {
    await vi.waitUntil(() => this.closed, waiting);
  }

  [Symbol.dispose](): void {
    this.socket.destroy();
  }
}
