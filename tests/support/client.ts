/** A protocol client for tests: a real connection of any kind with the protocol's own channel on it, which records all messages. */
import { randomUUID } from 'node:crypto';
import { WebSocket } from 'ws';
import { z } from 'zod';
import { capabilities } from '../../scripts/support/media/clientParameters.ts';
import { WireError } from '../../shared/errors.ts';
import {
  type ClientMessages,
  clientMessages,
  type JoinReply,
  type Role,
  type RoomKind,
  type RoomPolicy,
  type ServerEvents,
  type ServerMessages,
  SIGNALLING_PATH,
  serverMessages,
  type Welcome,
} from '../../shared/protocol.ts';
import { type ReplyData, type RequestData, RpcChannel } from '../../shared/RpcChannel.ts';
import type { SignallingKind } from '../../web/client/Signalling.ts';
import { HttpTestSocket } from './HttpTestSocket.ts';

type EventName = keyof ServerEvents;
type ClientMethod = keyof ClientMessages['requests'];

/** Timeout of expected messages, in milliseconds. */
const TIMEOUT = 8000;

const Message = z.object({
  id: z.number().optional(),
  method: z.string().optional(),
  event: z.string().optional(),
  data: z.unknown().optional(),
  error: WireError.optional(),
});
/** A message of the server as received. */
export type Message = z.infer<typeof Message>;

/** What an error says to its client, without the id of the request that has failed, which no other one has. */
export function withoutRequestId({ error }: Message): Message['error'] {
  return error && { ...error, requestId: undefined };
}

export interface ConnectOptions {
  /** What carries the messages; a WebSocket by default. */
  readonly kind?: SignallingKind | undefined;
  readonly origin?: string;
  readonly headers?: Record<string, string>;
  readonly path?: string;
  /** Answers no request of the server, `ping` included. */
  readonly mute?: boolean;
  /** Id of its first request: a resumed session continues its ids. */
  readonly firstId?: number;
  /** Certificate to trust for HTTPS. */
  readonly ca?: Buffer;
}

export interface JoinOptions {
  readonly room?: string;
  readonly token?: string;
  readonly name?: string;
  readonly transports?: { send: boolean; recv: boolean };
  readonly kind?: RoomKind;
  readonly role?: Role;
  readonly guest?: string;
  readonly policy?: RoomPolicy;
  readonly direct?: boolean;
}

/** The server answered the upgrade with a status other than 101. */
export class Refused extends Error {
  readonly status: number;
  readonly headers: NodeJS.Dict<string | string[]>;

  constructor(status: number, headers: NodeJS.Dict<string | string[]>) {
    super(`The server refused the connection with ${status}`);
    this.status = status;
    this.headers = headers;
  }
}

export class TestClient implements Disposable {
  readonly #socket: WebSocket | HttpTestSocket;
  /** All received messages, in order. */
  readonly messages: Message[] = [];
  /** Resolves with the close frame's code and reason. */
  readonly closed: Promise<{ code: number; reason: string }>;
  readonly #channel: RpcChannel<ClientMessages, ServerMessages>;
  readonly #events: { [E in EventName]: ServerEvents[E][] } = {
    welcome: [],
    newPeer: [],
    peerClosed: [],
    peerSources: [],
    dataPending: [],
    dataRefused: [],
    dataClosed: [],
    newConsumers: [],
    consumersClosed: [],
    peerHand: [],
    peerAway: [],
    peerGrants: [],
    peerInfo: [],
    peerVideoProblem: [],
    draining: [],
    reaction: [],
    chatMessages: [],
    chatStateChanged: [],
    unsupportedCodec: [],
    subscribedLayers: [],
    slots: [],
    grantsChanged: [],
    broadcastChanged: [],
    handsChanged: [],
    invited: [],
    inviteAnswered: [],
    sourceMuted: [],
    sourceStopped: [],
    closing: [],
    waiting: [],
    waitingChanged: [],
    roomAccessChanged: [],
    tokenRefreshed: [],
    directPeers: [],
    directSignal: [],
  };
  readonly #waiting = new Set<() => void>();
  readonly #mute: boolean;
  #end: { code: number; reason: string } | undefined;
  #nextId = 1_000_000;
  #welcome: Welcome | undefined;
  /** Pings received. */
  pings = 0;

  private constructor(socket: WebSocket | HttpTestSocket, mute: boolean, firstId: number) {
    this.#socket = socket;
    this.#mute = mute;
    const hear =
      <E extends EventName>(event: E) =>
      (data: ServerEvents[E]) => {
        this.#events[event].push(data);
      };
    this.#channel = new RpcChannel<ClientMessages, ServerMessages>({
      outgoing: clientMessages,
      incoming: serverMessages,
      handlers: { ping: () => ({}) },
      listeners: {
        welcome: hear('welcome'),
        newPeer: hear('newPeer'),
        peerClosed: hear('peerClosed'),
        peerSources: hear('peerSources'),
        dataPending: hear('dataPending'),
        dataRefused: hear('dataRefused'),
        dataClosed: hear('dataClosed'),
        newConsumers: hear('newConsumers'),
        consumersClosed: hear('consumersClosed'),
        peerHand: hear('peerHand'),
        peerAway: hear('peerAway'),
        peerGrants: hear('peerGrants'),
        peerInfo: hear('peerInfo'),
        peerVideoProblem: hear('peerVideoProblem'),
        draining: hear('draining'),
        reaction: hear('reaction'),
        chatMessages: hear('chatMessages'),
        chatStateChanged: hear('chatStateChanged'),
        unsupportedCodec: hear('unsupportedCodec'),
        subscribedLayers: hear('subscribedLayers'),
        slots: hear('slots'),
        grantsChanged: hear('grantsChanged'),
        broadcastChanged: hear('broadcastChanged'),
        handsChanged: hear('handsChanged'),
        invited: hear('invited'),
        inviteAnswered: hear('inviteAnswered'),
        sourceMuted: hear('sourceMuted'),
        sourceStopped: hear('sourceStopped'),
        closing: hear('closing'),
        waiting: hear('waiting'),
        waitingChanged: hear('waitingChanged'),
        roomAccessChanged: hear('roomAccessChanged'),
        tokenRefreshed: hear('tokenRefreshed'),
        directPeers: hear('directPeers'),
        directSignal: hear('directSignal'),
      },
      send: (message) => socket.send(message),
      requestTimeout: TIMEOUT,
      firstId,
    });
    const closed = Promise.withResolvers<{ code: number; reason: string }>();
    this.closed = closed.promise;
    const onClose = (code: number, reason: string) => {
      this.#end = { code, reason };
      this.#channel.close();
      closed.resolve(this.#end);
      this.#wake();
    };
    if (socket instanceof HttpTestSocket) {
      socket.on('message', (text) => this.#receive(text));
      socket.on('close', onClose);
    } else {
      socket.on('message', (data) => this.#receive(data.toString()));
      socket.on('close', (code, reason) => onClose(code, reason.toString()));
    }
  }

  /** @throws {Refused} */
  static async connect(url: string, options: ConnectOptions = {}): Promise<TestClient> {
    const { kind = 'webSocket', origin, headers, path = SIGNALLING_PATH, mute = false, firstId = 1, ca } = options;
    if (kind !== 'webSocket') {
      const http = new HttpTestSocket(kind, url, { headers: { ...headers, ...(origin !== undefined && { origin }) } });
      const client = new TestClient(http, mute, firstId);
      client.#welcome = await client.event('welcome');
      return client;
    }
    const socket = new WebSocket(url.replace(/^http/, 'ws') + path, {
      origin,
      headers,
      ca,
      perMessageDeflate: true,
    });
    const client = new TestClient(socket, mute, firstId);
    await new Promise<void>((resolve, reject) => {
      socket.on('open', () => resolve());
      socket.on('unexpected-response', (_request, response) => {
        response.resume();
        reject(new Refused(response.statusCode ?? 0, response.headers));
      });
      socket.on('error', reject);
    });
    client.#welcome = await client.event('welcome');
    return client;
  }

  /** The WebSocket. @throws {Error} if it is another kind of connection */
  get socket(): WebSocket {
    if (this.#socket instanceof HttpTestSocket) throw new Error('This connection is no WebSocket.');
    return this.#socket;
  }

  /** The end of a connection over HTTP. @throws {Error} if it is a WebSocket */
  get http(): HttpTestSocket {
    if (this.#socket instanceof HttpTestSocket) return this.#socket;
    throw new Error('This connection is a WebSocket.');
  }

  get welcome(): Welcome {
    if (!this.#welcome) throw new Error('The server has not spoken yet.');
    return this.#welcome;
  }

  get open(): boolean {
    return this.#end === undefined;
  }

  request<M extends ClientMethod>(
    method: M,
    data: RequestData<ClientMessages, M>,
  ): Promise<ReplyData<ClientMessages, M>> {
    return this.#channel.request(method, data);
  }

  join({ room = `room-${randomUUID()}`, transports, ...who }: JoinOptions = {}): Promise<JoinReply> {
    return this.request('join', {
      room,
      ...who,
      rtpCapabilities: capabilities,
      transports: transports ?? { send: true, recv: true },
    });
  }

  /** Sends text, or bytes over a WebSocket, unchanged. */
  send(message: string | Buffer): void {
    if (typeof message === 'string') this.#socket.send(message);
    else this.socket.send(message);
  }

  /** Closes with that code. */
  close(code?: number): void {
    this.#socket.close(code);
  }

  /** Reads nothing any more. */
  pause(): void {
    this.#socket.pause();
  }

  /** Sends a request with unchecked data. @returns the reply as received */
  async requestRaw(method: string, data: unknown = {}): Promise<Message> {
    const id = this.#nextId++;
    this.send(JSON.stringify({ id, method, data }));
    return this.until(`the answer to ${method}`, () => this.messages.find((message) => message.id === id));
  }

  /** Sends an invalid message. @returns the error without a request id */
  async requestInvalid(message: string): Promise<Message> {
    const before = this.unrelatedErrors.length;
    this.send(message);
    return this.until('a complaint', () => this.unrelatedErrors[before]);
  }

  /** Errors without a request id. */
  get unrelatedErrors(): Message[] {
    return this.messages.filter(({ id, error }) => id === undefined && error !== undefined);
  }

  /** The first event of that name that has not been consumed; waits for one if there is none. */
  event<E extends EventName>(
    name: E,
    matches: (data: ServerEvents[E]) => boolean = () => true,
  ): Promise<ServerEvents[E]> {
    return this.until(`the event ${name}`, () => {
      const index = this.#events[name].findIndex((data) => matches(data));
      return index < 0 ? undefined : this.#events[name].splice(index, 1)[0];
    });
  }

  /** The received events of that name that have not been consumed. */
  unreadEvents<E extends EventName>(name: E): readonly ServerEvents[E][] {
    return this.#events[name];
  }

  /** Waits until `find` returns something; it is called at each message. */
  async until<T>(what: string, find: () => T | undefined): Promise<T> {
    const late = AbortSignal.timeout(TIMEOUT);
    for (;;) {
      const found = find();
      if (found !== undefined) return found;
      if (this.#end) throw new Error(`Closed with ${this.#end.code} "${this.#end.reason}" while waiting for ${what}.`);
      if (late.aborted) throw new Error(`${what} did not come in time.`);
      await new Promise<void>((resolve) => {
        const wake = () => {
          this.#waiting.delete(wake);
          late.removeEventListener('abort', wake);
          resolve();
        };
        this.#waiting.add(wake);
        late.addEventListener('abort', wake);
      });
    }
  }

  /** Closes the socket without a close frame, as a crash does. */
  cut(): void {
    this.#socket.terminate();
  }

  /** Ends the connection, so that the server knows at once: over HTTP it would wait for a while for what was cut. */
  [Symbol.dispose](): void {
    if (this.#socket instanceof HttpTestSocket) this.#socket.close(1006);
    else this.cut();
  }

  #receive(text: string): void {
    const message = Message.parse(JSON.parse(text));
    this.messages.push(message);
    if (message.method === 'ping') this.pings += 1;
    if (message.method === undefined || !this.#mute) this.#channel.receive(text);
    this.#wake();
  }

  #wake(): void {
    for (const wake of [...this.#waiting]) wake();
  }
}
