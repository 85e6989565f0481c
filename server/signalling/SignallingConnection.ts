/** Owns one client's WebSocket: its channel, its limits, its heartbeat, and the stay that it speaks for. */
import type { Logger } from 'pino';
import type { WebSocket } from 'ws';
import { type CloseReason, closeReason, closeReasons } from '../../shared/closeReasons.ts';
import { WeirError } from '../../shared/errors.ts';
import {
  type ClientMessages,
  clientMessages,
  PROTOCOL_VERSION,
  type ServerEvents,
  type ServerMessages,
  serverMessages,
} from '../../shared/protocol.ts';
import { type ReplyCache, RpcChannel } from '../../shared/RpcChannel.ts';
import type { Config } from '../config.ts';
import { Lifetime } from '../Lifetime.ts';
import { serverRtpCapabilities } from '../media/options.ts';
import { createHandlers } from './handlers.ts';
import type { PeerSession } from './PeerSession.ts';
import type { RequestContext, ServerContext } from './RequestContext.ts';
import { TokenBucket } from './TokenBucket.ts';

/** Messages that are not of this protocol, after which a connection is closed. */
const MAX_BAD_MESSAGES = 5;

export interface SignallingConnectionOptions {
  /** Where it comes from, as far as that is known. */
  readonly address: string;
  /** What it takes of the limit of that address, until it ends, or has joined with a token. */
  readonly reservation: Disposable;
  readonly log: Logger;
}

export class SignallingConnection implements RequestContext {
  readonly context: ServerContext;
  readonly address: string;
  readonly log: Logger;
  readonly #channel: RpcChannel<ServerMessages, ClientMessages>;
  readonly #socket: WebSocket;
  readonly #lifetime = new Lifetime<CloseReason>();
  readonly #rateLimit: TokenBucket;
  readonly #abortController = new AbortController();
  /** Counts against the limit of its address. */
  readonly #reservation: Disposable;
  #goingAway = false;
  #joinTimer: NodeJS.Timeout | undefined;
  #silenceTimer: NodeJS.Timeout | undefined;
  #session: PeerSession | undefined;

  constructor(socket: WebSocket, context: ServerContext, { address, reservation, log }: SignallingConnectionOptions) {
    const { config, access } = context;
    this.#socket = socket;
    this.address = address;
    this.#reservation = reservation;
    this.context = context;
    this.log = log;
    this.#rateLimit = new TokenBucket(config.messagesPerSecond, config.messageBurst);
    this.#channel = new RpcChannel<ServerMessages, ClientMessages>({
      outgoing: serverMessages,
      incoming: clientMessages,
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
    this.#lifetime.defer((reason) => this.#closeSocket(reason));
    this.#lifetime.defer(() => this.#reservation[Symbol.dispose]());
    this.#lifetime.defer(() => this.#abortController.abort());
    this.#lifetime.defer(() => this.#channel.close());
    this.#listen();
    this.#startTimers(config);
    this.#channel.notify('welcome', {
      protocol: PROTOCOL_VERSION,
      auth: access.kind,
      rtpCapabilities: serverRtpCapabilities,
      video: { camera: config.cameraCodec, screen: config.screenCodec },
      limits: {
        messageBytes: config.maxMessageBytes,
        joinSeconds: config.joinTimeout / 1000,
        queueSeconds: config.joinQueue.timeout / 1000,
        pingSeconds: config.pingInterval / 1000,
        silenceSeconds: config.signallingTimeout / 1000,
        resumeSeconds: config.resumeWindow / 1000,
      },
    });
  }

  /** The stay that this connection speaks for. @throws {WeirError} `notJoined` */
  get session(): PeerSession {
    if (!this.#session) throw new WeirError('notJoined', 'Join a room first.');
    return this.#session;
  }

  get joined(): boolean {
    return this.#session !== undefined;
  }

  notify<E extends keyof ServerEvents>(event: E, data: ServerEvents[E]): void {
    this.#channel.notify(event, data);
  }

  get goingAway(): boolean {
    return this.#goingAway;
  }

  get signal(): AbortSignal {
    return this.#abortController.signal;
  }

  pauseJoinTimeout(): Disposable {
    clearTimeout(this.#joinTimer);
    return { [Symbol.dispose]: () => this.#startJoinTimer() };
  }

  /** Runs `listener` once this connection has ended, or now if it has. */
  onEnd(listener: (reason: CloseReason) => void): void {
    this.#lifetime.defer(listener);
  }

  /** From now on this connection speaks for `stay`. */
  attachSession(stay: PeerSession, answers: ReplyCache): void {
    this.#session = stay;
    clearTimeout(this.#joinTimer);
    // Tokens are counted instead: a room has one member an identity.
    if (stay.authenticated) this.#reservation[Symbol.dispose]();
    this.#channel.deduplicate(answers);
    this.#lifetime.defer((reason) => stay.detach(this, reason));
  }

  /** Ends it and tells the client why. */
  close(reason: CloseReason): void {
    if (this.#lifetime.end(reason)) this.log.debug({ reason }, 'connection closed');
  }

  #closeSocket(reason: CloseReason): void {
    const { code } = closeReasons[reason];
    // 1006 is not for the wire: there is nobody left to read it.
    if (code === 1006) this.#socket.terminate();
    else this.#socket.close(code, reason);
    // One that does not listen would not take part in the closing handshake either.
    if (reason === 'unresponsive' || reason === 'sendBufferFull' || reason === 'resumed') this.#socket.terminate();
  }

  #listen(): void {
    this.#socket.on('message', (data, isBinary) => {
      if (!this.#lifetime.closed) this.#silenceTimer?.refresh();
      this.#session?.confirm();
      if (isBinary) {
        this.close('protocolError');
        return;
      }
      const debt = this.#rateLimit.take();
      if (debt >= this.context.config.messageBurst) this.close('rateLimited');
      else this.#channel.receive(data.toString(), debt > 0 ? new WeirError('rateLimited') : undefined);
    });
    this.#socket.on('close', (code) => {
      // 1005 is a close frame without a code.
      this.#goingAway = code === 1001 || code === 1005;
      this.close(closeReason(code));
    });
  }

  #startTimers({ pingInterval, signallingTimeout }: Config): void {
    this.#startJoinTimer();
    this.#lifetime.defer(() => clearTimeout(this.#joinTimer));
    // Whatever the client answers, it is alive; silence is what counts.
    const heartbeat = setInterval(() => this.#channel.request('ping', {}).catch(() => {}), pingInterval);
    this.#lifetime.defer(() => clearInterval(heartbeat));
    this.#silenceTimer = setTimeout(() => this.close('unresponsive'), signallingTimeout);
    this.#lifetime.defer(() => clearTimeout(this.#silenceTimer));
  }

  #startJoinTimer(): void {
    clearTimeout(this.#joinTimer);
    if (this.joined || this.#lifetime.closed) return;
    this.#joinTimer = setTimeout(() => this.close('joinTimeout'), this.context.config.joinTimeout);
  }

  #send(message: string): void {
    // What counts is the backlog: one message may be as large as it is.
    if (this.#socket.bufferedAmount > this.context.config.maxSendBuffer) this.close('sendBufferFull');
    else this.#socket.send(message);
  }
}
