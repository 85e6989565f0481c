/** A peer of a room of the kind `diagnosis`: how a program outside gets at a server's transports and TURN servers. */
import { randomBytes } from 'node:crypto';
import { WebSocket } from 'ws';
import { closeReasons } from '../../../shared/closeReasons.ts';
import { WeirError } from '../../../shared/errors.ts';
import type { DtlsParameters } from '../../../shared/media.ts';
import {
  type ClientMessages,
  clientMessages,
  type JoinReply,
  type ServerMessages,
  SIGNALLING_PATH,
  serverMessages,
} from '../../../shared/protocol.ts';
import { RpcChannel } from '../../../shared/RpcChannel.ts';

/** How long the server may take to close its end, in milliseconds. */
const CLOSE_TIMEOUT = 1000;

export class DiagnosisPeer {
  readonly reply: JoinReply;
  readonly #socket: WebSocket;
  readonly #channel: RpcChannel<ClientMessages, ServerMessages>;

  private constructor(socket: WebSocket, channel: RpcChannel<ClientMessages, ServerMessages>, reply: JoinReply) {
    this.#socket = socket;
    this.#channel = channel;
    this.reply = reply;
  }

  /**
   * Joins a room of its own.
   * @param url where browsers open Weir
   * @throws {WeirError} why the server refuses; `closed` when it cannot be reached, or `signal` aborts
   */
  static async join(url: URL, signal: AbortSignal): Promise<DiagnosisPeer> {
    const base = url.href.replace(/\/$/, '').replace(/^http/, 'ws');
    const socket = new WebSocket(`${base}${SIGNALLING_PATH}`, { origin: url.origin, rejectUnauthorized: false });
    const welcome = Promise.withResolvers<void>();
    const lost = Promise.withResolvers<never>();
    lost.promise.catch(() => {});
    const end = () => lost.reject(new WeirError('closed', 'The connection was lost.'));
    const channel = new RpcChannel<ClientMessages, ServerMessages>({
      outgoing: clientMessages,
      incoming: serverMessages,
      ignoreUnknown: true,
      handlers: { ping: () => ({}) },
      listeners: { welcome: () => welcome.resolve() },
      send: (message) => socket.readyState === WebSocket.OPEN && socket.send(message),
    });
    socket.on('message', (data) => channel.receive(String(data)));
    socket.on('error', end);
    socket.on('close', end);
    signal.addEventListener('abort', end);
    try {
      if (signal.aborted) end();
      await Promise.race([welcome.promise, lost.promise]);
      const joining = channel.request('join', {
        room: `doctor-${randomBytes(8).toString('hex')}`,
        kind: 'diagnosis',
        rtpCapabilities: { codecs: [] },
        transports: { send: true, recv: true },
      });
      joining.catch(() => {});
      return new DiagnosisPeer(socket, channel, await Promise.race([joining, lost.promise]));
    } catch (error) {
      channel.close();
      socket.terminate();
      throw error;
    } finally {
      signal.removeEventListener('abort', end);
    }
  }

  /** Tells the server who connects to a transport. */
  async connectTransport(transportId: string, dtlsParameters: DtlsParameters): Promise<void> {
    await this.#channel.request('connectTransport', { transportId, dtlsParameters });
  }

  /** Leaves; the server is told at once. */
  close(): void {
    this.#channel.close();
    const { code } = closeReasons.left;
    this.#socket.close(code, 'left');
    setTimeout(() => this.#socket.terminate(), CLOSE_TIMEOUT).unref();
  }
}
