/** Owns one client's WebSocket: its channel, its limits, its heartbeat, and the stay that it speaks for. */
import type { Logger } from 'pino';
import type { WebSocket } from 'ws';
import { type Answers, Channel } from '../../shared/Channel.ts';
import { type CloseReason, closeReason, closings } from '../../shared/closing.ts';
import { WeirError } from '../../shared/errors.ts';
import {
  type ClientTable,
  clientTable,
  PROTOCOL_VERSION,
  type ServerEvents,
  type ServerTable,
  serverTable,
} from '../../shared/protocol.ts';
import type { Config } from '../config.ts';
import { Lifetime } from '../Lifetime.ts';
import { serverRtpCapabilities } from '../media/options.ts';
import type { Caller, SignallingContext } from './Caller.ts';
import { createHandlers } from './handlers.ts';
import { RateLimit } from './RateLimit.ts';
import type { Stay } from './Stay.ts';

/** Messages that are not of this protocol, after which a connection is closed. */
const MAX_BAD_MESSAGES = 5;

export interface ConnectionOptions {
  /** Where it comes from, as far as that is known. */
  readonly address: string;
  /** What it takes of the limit of that address, until it ends, or has joined with a token. */
  readonly place: Disposable;
  readonly log: Logger;
}

export class Connection implements Caller {
  readonly context: SignallingContext;
  readonly address: string;
  readonly log: Logger;
  readonly #channel: Channel<ServerTable, ClientTable>;
  readonly #socket: WebSocket;
  readonly #lifetime = new Lifetime<CloseReason>();
  readonly #rate: RateLimit;
  readonly #ended = new AbortController();
  /** Counts against the limit of its address. */
  readonly #place: Disposable;
  #goingAway = false;
  #deadline: NodeJS.Timeout | undefined;
  #silence: NodeJS.Timeout | undefined;
  #stay: Stay | undefined;

  constructor(socket: WebSocket, context: SignallingContext, { address, place, log }: ConnectionOptions) {
    const { config, gate } = context;
    this.#socket = socket;
    this.address = address;
    this.#place = place;
    this.context = context;
    this.log = log;
    this.#rate = new RateLimit(config.messagesPerSecond, config.messageBurst);
    this.#channel = new Channel<ServerTable, ClientTable>({
      outgoing: serverTable,
      incoming: clientTable,
      handlers: createHandlers(this),
      // Whoever waits in line to join, or for a worker, is asked and answered meanwhile.
      unordered: ['ping'],
      send: (message) => this.#send(message),
      onBadMessage: (error, count) => {
        log.debug({ reason: error.message, count }, 'bad message');
        if (count >= MAX_BAD_MESSAGES) this.close('protocolError');
      },
      onFailure: (error, method) => log.warn({ err: error, method }, 'request failed'),
    });
    // Deferred first, so run last, and whatever the other undos do.
    this.#lifetime.defer((reason) => this.#hangUp(reason));
    this.#lifetime.defer(() => this.#place[Symbol.dispose]());
    this.#lifetime.defer(() => this.#ended.abort());
    this.#lifetime.defer(() => this.#channel.close());
    this.#listen();
    this.#startTimers(config);
    this.#channel.notify('welcome', {
      protocol: PROTOCOL_VERSION,
      auth: gate.kind,
      rtpCapabilities: serverRtpCapabilities,
      video: { camera: config.cameraCodec, screen: config.screenCodec },
      limits: {
        messageBytes: config.maxMessageBytes,
        joinSeconds: config.joinTimeout / 1000,
        queueSeconds: config.line.patience / 1000,
        pingSeconds: config.pingInterval / 1000,
        silenceSeconds: config.silenceTimeout / 1000,
        resumeSeconds: config.resumeWindow / 1000,
      },
    });
  }

  /** The stay that this connection speaks for. @throws {WeirError} `notJoined` */
  get stay(): Stay {
    if (!this.#stay) throw new WeirError('notJoined', 'Join a room first.');
    return this.#stay;
  }

  get joined(): boolean {
    return this.#stay !== undefined;
  }

  tell<E extends keyof ServerEvents>(event: E, data: ServerEvents[E]): void {
    this.#channel.notify(event, data);
  }

  get goingAway(): boolean {
    return this.#goingAway;
  }

  get signal(): AbortSignal {
    return this.#ended.signal;
  }

  joining(): Disposable {
    clearTimeout(this.#deadline);
    return { [Symbol.dispose]: () => this.#expectJoin() };
  }

  /** Runs `listener` once this connection has ended, or now if it has. */
  onEnd(listener: (reason: CloseReason) => void): void {
    this.#lifetime.defer(listener);
  }

  /** From now on this connection speaks for `stay`. */
  bind(stay: Stay, answers: Answers): void {
    this.#stay = stay;
    clearTimeout(this.#deadline);
    // Tokens are counted instead: a room has one member an identity.
    if (stay.authenticated) this.#place[Symbol.dispose]();
    this.#channel.remember(answers);
    this.#lifetime.defer((reason) => stay.detach(this, reason));
  }

  /** Ends it and tells the client why. */
  close(reason: CloseReason): void {
    if (this.#lifetime.end(reason)) this.log.debug({ reason }, 'connection closed');
  }

  #hangUp(reason: CloseReason): void {
    const { code } = closings[reason];
    // 1006 is not for the wire: there is nobody left to read it.
    if (code === 1006) this.#socket.terminate();
    else this.#socket.close(code, reason);
    // One that does not listen would not take part in the closing handshake either.
    if (reason === 'unresponsive' || reason === 'slowReader' || reason === 'resumed') this.#socket.terminate();
  }

  #listen(): void {
    this.#socket.on('message', (data, isBinary) => {
      if (!this.#lifetime.closed) this.#silence?.refresh();
      this.#stay?.confirm();
      if (isBinary) {
        this.close('protocolError');
        return;
      }
      const debt = this.#rate.take();
      if (debt >= this.context.config.messageBurst) this.close('rateLimited');
      else this.#channel.receive(data.toString(), debt > 0 ? new WeirError('rateLimited') : undefined);
    });
    this.#socket.on('close', (code) => {
      // 1005 is a close frame without a code.
      this.#goingAway = code === 1001 || code === 1005;
      this.close(closeReason(code));
    });
  }

  #startTimers({ pingInterval, silenceTimeout }: Config): void {
    this.#expectJoin();
    this.#lifetime.defer(() => clearTimeout(this.#deadline));
    // Whatever the client answers, it is alive; silence is what counts.
    const heartbeat = setInterval(() => this.#channel.request('ping', {}).catch(() => {}), pingInterval);
    this.#lifetime.defer(() => clearInterval(heartbeat));
    this.#silence = setTimeout(() => this.close('unresponsive'), silenceTimeout);
    this.#lifetime.defer(() => clearTimeout(this.#silence));
  }

  #expectJoin(): void {
    clearTimeout(this.#deadline);
    if (this.joined || this.#lifetime.closed) return;
    this.#deadline = setTimeout(() => this.close('joinTimeout'), this.context.config.joinTimeout);
  }

  #send(message: string): void {
    // What counts is the backlog: one message may be as large as it is.
    if (this.#socket.bufferedAmount > this.context.config.maxSendBuffer) this.close('slowReader');
    else this.#socket.send(message);
  }
}
