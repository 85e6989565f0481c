/** A signalling-only client of Weir: it joins, publishes and resumes consumers as the SDK does, without media. */
import { once } from 'node:events';
import { WebSocket } from 'ws';
import { RtpCapabilities, type RtpParameters, type Source } from '../../../shared/media.ts';
import {
  type ClientMessages,
  clientMessages,
  type JoinReply,
  type ServerMessages,
  SIGNALLING_PATH,
  serverMessages,
  type Welcome,
} from '../../../shared/protocol.ts';
import { RpcChannel } from '../../../shared/RpcChannel.ts';
import { Traffic } from './Traffic.ts';

export class SignalClient implements Disposable {
  readonly traffic = new Traffic();
  /** Consumers that the server has created for this client and been asked to resume. */
  consumers = 0;
  readonly #socket: WebSocket;
  readonly #channel: RpcChannel<ClientMessages, ServerMessages>;
  readonly #welcome = Promise.withResolvers<Welcome>();

  private constructor(socket: WebSocket) {
    this.#socket = socket;
    this.#channel = new RpcChannel<ClientMessages, ServerMessages>({
      outgoing: clientMessages,
      incoming: serverMessages,
      ignoreUnknown: true,
      handlers: { ping: () => ({}) },
      listeners: {
        welcome: (welcome) => this.#welcome.resolve(welcome),
        newConsumers: ({ consumers }) => void this.#resume(consumers).catch(() => {}),
      },
      send: this.traffic.sender(socket),
    });
    this.traffic.receive(socket, (message) => this.#channel.receive(message));
    socket.on('error', () => {});
    socket.on('close', () => this.#channel.close());
  }

  /** Joins and resumes every consumer. @throws {WeirError} */
  static async join(url: string, room: string, name: string): Promise<SignalClient> {
    const client = new SignalClient(
      new WebSocket(url.replace(/^http/, 'ws') + SIGNALLING_PATH, { perMessageDeflate: false }),
    );
    try {
      await once(client.#socket, 'open');
      const { rtpCapabilities } = await client.#welcome.promise;
      const { consumers } = await client.#channel.request('join', {
        room,
        name,
        rtpCapabilities: RtpCapabilities.parse(rtpCapabilities),
        transports: { send: true, recv: true },
      });
      await client.#resume(consumers);
      return client;
    } catch (error) {
      client.close();
      throw error;
    }
  }

  async produce(source: Source, rtpParameters: RtpParameters): Promise<void> {
    await this.#channel.request('produce', { source, rtpParameters });
  }

  /** Leaves, and waits until the server has closed the connection. */
  async leave(): Promise<void> {
    const closed = once(this.#socket, 'close');
    await this.#channel.request('leave', {}).catch(() => {});
    await closed;
  }

  close(): void {
    this.#socket.terminate();
  }

  [Symbol.dispose](): void {
    this.close();
  }

  async #resume(consumers: JoinReply['consumers']): Promise<void> {
    if (consumers.length === 0) return;
    await this.#channel.request('resumeConsumers', { consumerIds: consumers.map(({ consumerId }) => consumerId) });
    this.consumers += consumers.length;
  }
}
