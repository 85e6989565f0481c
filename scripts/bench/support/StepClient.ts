/**
 * Owns a client of the step server, without a browser: each step waits for the one before. It has no media by itself;
 * its hooks connect an endpoint of the caller's.
 */
import { once } from 'node:events';
import { WebSocket } from 'ws';
import { WeirError } from '../../../shared/errors.ts';
import type { DtlsParameters, RtpCapabilities, RtpParameters, Source, TransportInfo } from '../../../shared/media.ts';
import { RpcChannel } from '../../../shared/RpcChannel.ts';
import {
  type Direction,
  STEP_PATH,
  type StepClientTable,
  type StepConsumer,
  type StepServerTable,
  stepClientTable,
  stepServerTable,
  Traffic,
} from './stepProtocol.ts';

/** What the caller does at each step. All are optional: without any, consumers are made and media never flows. */
export interface StepHooks {
  /** What this device can receive, once the router's capabilities are known; by default all that the router can. */
  device?(router: RtpCapabilities): RtpCapabilities | Promise<RtpCapabilities>;
  /** Makes the client end of a transport, which is about to be used for the first time. */
  connect?(transport: TransportInfo, direction: Direction): DtlsParameters | Promise<DtlsParameters>;
  /** The server has taken those DTLS parameters: ICE and DTLS may begin. Nothing waits for them, as in a browser. */
  connected?(transport: TransportInfo, direction: Direction): void;
  /** Makes the client end of a consumer. The server lets its media flow once this is done. */
  consume?(consumer: StepConsumer): void | Promise<void>;
  consumerClosed?(consumerId: string): void;
}

export interface StepJoinOptions {
  readonly name?: string;
  /** Transports that it opens; default both. */
  readonly directions?: readonly Direction[];
}

interface Transport {
  readonly info: TransportInfo;
  connected: Promise<void> | undefined;
}

export class StepClient implements Disposable {
  /** Of this client. */
  readonly traffic = new Traffic();
  /** All consumers that it was asked to make, in order. */
  readonly consumers: StepConsumer[] = [];
  readonly #socket: WebSocket;
  readonly #hooks: StepHooks;
  readonly #channel: RpcChannel<StepClientTable, StepServerTable>;
  readonly #transports = new Map<Direction, Transport>();
  readonly #waiting = new Set<() => void>();
  #expected = 0;
  #openedAt = 0;
  #peers: readonly { peerId: string; name: string }[] = [];

  private constructor(socket: WebSocket, hooks: StepHooks) {
    this.#socket = socket;
    this.#hooks = hooks;
    this.#channel = new RpcChannel<StepClientTable, StepServerTable>({
      outgoing: stepClientTable,
      incoming: stepServerTable,
      handlers: { newConsumer: (consumer) => this.#consume(consumer) },
      listeners: { consumerClosed: ({ consumerId }) => hooks.consumerClosed?.(consumerId) },
      send: (message) => {
        this.traffic.countSent(message);
        socket.send(message);
      },
    });
    socket.on('message', (data) => {
      const message = data.toString();
      this.traffic.countReceived(message);
      this.#channel.receive(message);
    });
    socket.on('error', () => {});
    socket.on('close', () => {
      this.#channel.close();
      this.#wake();
    });
  }

  /**
   * Socket, capabilities, sending transport, receiving transport, join: one after another.
   * @param url of the server, `http://...`
   * @returns when it is in the room; consumers of what was published before may still be on their way (`settled`)
   * @throws {Error} when the socket does not open; {WeirError} when a step is refused
   */
  static async join(
    url: string,
    room: string,
    hooks: StepHooks = {},
    { name = 'guest', directions = ['send', 'recv'] }: StepJoinOptions = {},
  ): Promise<StepClient> {
    const address = `${url.replace(/^http/, 'ws')}${STEP_PATH}?room=${encodeURIComponent(room)}`;
    const socket = new WebSocket(address, { perMessageDeflate: false });
    const client = new StepClient(socket, hooks);
    try {
      await once(socket, 'open');
      client.#openedAt = performance.timeOrigin + performance.now();
      await client.#enter(name, directions);
      return client;
    } catch (error) {
      client.close();
      throw error;
    }
  }

  /** When its socket was open, in milliseconds since 1970. */
  get openedAt(): number {
    return this.#openedAt;
  }

  /** Who was in the room before. */
  get peers(): readonly { peerId: string; name: string }[] {
    return this.#peers;
  }

  get open(): boolean {
    return this.#socket.readyState === WebSocket.OPEN;
  }

  /** Connects the sending transport if this is its first track, then publishes: two steps, or one. @returns its id */
  async produce(source: Source, parameters: RtpParameters | (() => RtpParameters)): Promise<string> {
    const transportId = await this.#connect('send');
    // Whoever has an endpoint knows its parameters once that is open.
    const rtpParameters = typeof parameters === 'function' ? parameters() : parameters;
    return (await this.#channel.request('produce', { transportId, source, rtpParameters })).producerId;
  }

  /**
   * Waits until as many consumers have been made as the reply to `join` promised. It counts, and does not see which: for
   * rooms whose tracks stay as they are.
   * @throws {WeirError} `closed`
   */
  settled(): Promise<void> {
    return this.received(this.#expected);
  }

  /** Waits until `count` consumers have been made since the join, those that have closed included. @throws {WeirError} */
  async received(count: number): Promise<void> {
    while (this.consumers.length < count) {
      if (this.#socket.readyState > WebSocket.OPEN) throw new WeirError('closed');
      const { promise, resolve } = Promise.withResolvers<void>();
      this.#waiting.add(resolve);
      await promise;
    }
  }

  /** Ends the connection without a word. */
  close(): void {
    this.#socket.terminate();
  }

  [Symbol.dispose](): void {
    this.close();
  }

  async #enter(name: string, directions: readonly Direction[]): Promise<void> {
    const { rtpCapabilities: router } = await this.#channel.request('getRouterRtpCapabilities', {});
    const rtpCapabilities = (await this.#hooks.device?.(router)) ?? router;
    for (const direction of directions) {
      const info = await this.#channel.request('createWebRtcTransport', { direction });
      this.#transports.set(direction, { info, connected: undefined });
    }
    const receives = directions.includes('recv');
    const joined = await this.#channel.request('join', { name, ...(receives && { rtpCapabilities }) });
    this.#expected = joined.consumers;
    this.#peers = joined.peers;
  }

  /** The first consumer connects its transport before it is made, as a browser's session description needs it. */
  async #consume(consumer: StepConsumer): Promise<Record<string, never>> {
    await this.#connect('recv');
    await this.#hooks.consume?.(consumer);
    this.consumers.push(consumer);
    this.#wake();
    return {};
  }

  /** Connects a transport unless it is or is about to be. @returns its id */
  async #connect(direction: Direction): Promise<string> {
    const transport = this.#transports.get(direction);
    if (!transport) throw new WeirError('notFound', `There is no transport to ${direction} on.`);
    transport.connected ??= this.#handShake(transport.info, direction);
    await transport.connected;
    return transport.info.transportId;
  }

  async #handShake(info: TransportInfo, direction: Direction): Promise<void> {
    const dtlsParameters = await this.#hooks.connect?.(info, direction);
    if (!dtlsParameters) return;
    await this.#channel.request('connectWebRtcTransport', { transportId: info.transportId, dtlsParameters });
    this.#hooks.connected?.(info, direction);
  }

  #wake(): void {
    for (const wake of this.#waiting) wake();
    this.#waiting.clear();
  }
}
