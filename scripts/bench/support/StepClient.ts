/**
 * A headless client of the step server: each step waits for the reply to the one before. It has no media of its own;
 * its hooks connect the caller's endpoint.
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
} from './stepProtocol.ts';
import { Traffic } from './Traffic.ts';

/** Callbacks of each step, all optional: without them, consumers are created and media never flows. */
export interface StepHooks {
  /** What this device can receive, once the router's capabilities are known; by default everything. */
  device?(router: RtpCapabilities): RtpCapabilities | Promise<RtpCapabilities>;
  /** Creates the client end of a transport before its first use. */
  connect?(transport: TransportInfo, direction: Direction): DtlsParameters | Promise<DtlsParameters>;
  /** The server has accepted the DTLS parameters: ICE and DTLS may begin. As in a browser, no step waits for them. */
  connected?(transport: TransportInfo, direction: Direction): void;
  /** Creates the client end of a consumer. The server resumes the consumer afterwards. */
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
  /** Signalling traffic of this client. */
  readonly traffic = new Traffic();
  /** All consumers that the server announced, in order. */
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
      send: this.traffic.sender(socket),
    });
    this.traffic.receive(socket, (message) => this.#channel.receive(message));
    socket.on('error', () => {});
    socket.on('close', () => {
      this.#channel.close();
      this.#wake();
    });
  }

  /**
   * Opens the socket, then requests capabilities, the sending transport, the receiving transport and the join, one
   * after another.
   * @param url of the server, `http://...`
   * @returns when the client has joined; consumers of earlier publications may still be pending (`settled`)
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

  /** Peers that were in the room before. */
  get peers(): readonly { peerId: string; name: string }[] {
    return this.#peers;
  }

  get open(): boolean {
    return this.#socket.readyState === WebSocket.OPEN;
  }

  /** Connects the sending transport if this is its first track, then publishes. @returns the producer's id */
  async produce(source: Source, parameters: RtpParameters | (() => RtpParameters)): Promise<string> {
    const transportId = await this.#connect('send');
    // An endpoint knows its parameters only once its transport is open.
    const rtpParameters = typeof parameters === 'function' ? parameters() : parameters;
    return (await this.#channel.request('produce', { transportId, source, rtpParameters })).producerId;
  }

  /**
   * Waits until as many consumers have been created as the reply to `join` announced. It compares counts only: for
   * rooms whose publications do not change.
   * @throws {WeirError} `closed`
   */
  settled(): Promise<void> {
    return this.received(this.#expected);
  }

  /** Waits until `count` consumers have been created since the join, including closed ones. @throws {WeirError} */
  async received(count: number): Promise<void> {
    while (this.consumers.length < count) {
      if (this.#socket.readyState > WebSocket.OPEN) throw new WeirError('closed');
      const { promise, resolve } = Promise.withResolvers<void>();
      this.#waiting.add(resolve);
      await promise;
    }
  }

  /** Closes the connection without a leave message. */
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

  /**
   * The first consumer connects its transport before it is created, because a browser's session description requires
   * it.
   */
  async #consume(consumer: StepConsumer): Promise<Record<string, never>> {
    await this.#connect('recv');
    await this.#hooks.consume?.(consumer);
    this.consumers.push(consumer);
    this.#wake();
    return {};
  }

  /** Connects a transport unless it is connected or connecting. @returns its id */
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
