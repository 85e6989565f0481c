/** One client's connection: enforces its limits and keeps the heartbeat. What a peer is lives in its session. */
import type { Logger } from 'pino';
import { type CloseReason, closeReason, closeReasons } from '../../shared/closeReasons.ts';
import { MAX_DATA_BYTES } from '../../shared/dataFrame.ts';
import { WeirError } from '../../shared/errors.ts';
import {
  type ClientMessages,
  clientMessages,
  PROTOCOL_VERSION,
  type ServerEvents,
  type ServerMessages,
  serverMessages,
  type Welcome,
} from '../../shared/protocol.ts';
import { type FailedRequest, RpcChannel } from '../../shared/RpcChannel.ts';
import { TokenBucket } from '../../shared/TokenBucket.ts';
import { Lifetime } from '../common/Lifetime.ts';
import type { RefusalLog } from '../common/RefusalLog.ts';
import type { Config } from '../config/Config.ts';
import { serverRtpCapabilities } from '../media/options.ts';
import { DATA_MESSAGES_PER_SECOND } from '../room/data/DataRate.ts';
import type { ClientConnection, LogIds } from './ClientConnection.ts';
import { createHandlers } from './handlers/createHandlers.ts';
import type { MessageSocket } from './MessageSocket.ts';
import type { PeerSession } from './PeerSession.ts';
import type { RequestContext } from './RequestContext.ts';
import type { ServerContext } from './ServerContext.ts';

/** How many malformed messages close a connection. */
const MAX_BAD_MESSAGES = 5;

export interface SignallingConnectionOptions {
  /** IP address of the client, as far as it is known. */
  readonly address: string;
  /** Its place within the limit of that address. It is given back when the connection ends or has joined with a token. */
  readonly reservation: Disposable;
  /** Names it in the log, and in the ids of its requests. */
  readonly id: string;
  readonly log: Logger;
  /** Of all connections together. */
  readonly refusals: RefusalLog;
}

export class SignallingConnection implements ClientConnection {
  readonly server: ServerContext;
  readonly address: string;
  readonly #channel: RpcChannel<ServerMessages, ClientMessages>;
  readonly #socket: MessageSocket;
  readonly #lifetime = new Lifetime<CloseReason>();
  readonly #rateLimit: TokenBucket;
  readonly #abortController = new AbortController();
  readonly #reservation: Disposable;
  readonly #baseLog: Logger;
  readonly #refusals: RefusalLog;
  #log: Logger;
  #ids: LogIds = {};
  #goingAway = false;
  #joinTimer: NodeJS.Timeout | undefined;
  #silenceTimer: NodeJS.Timeout | undefined;
  #session: PeerSession | undefined;

  constructor(
    socket: MessageSocket,
    server: ServerContext,
    { address, reservation, id, log, refusals }: SignallingConnectionOptions,
  ) {
    const { config } = server;
    this.server = server;
    this.address = address;
    this.#socket = socket;
    this.#reservation = reservation;
    this.#baseLog = log.child({ connection: id });
    this.#log = this.#baseLog;
    this.#refusals = refusals;
    this.#rateLimit = new TokenBucket(config.messagesPerSecond, config.messageBurst);
    this.#channel = new RpcChannel<ServerMessages, ClientMessages>({
      outgoing: serverMessages,
      incoming: clientMessages,
      handlers: createHandlers(this),
      // It is answered at once even while `join` waits for admission, or a request for a worker.
      unordered: ['ping'],
      send: (message) => this.#send(message),
      onBadMessage: (error, count) => {
        this.#log.debug({ reason: error.message, count }, 'bad message');
        if (count >= MAX_BAD_MESSAGES) this.close('protocolError');
      },
      requestId: (request) => `${id}-${request}`,
      onFailure: (error, request) => this.#logFailure(error, request),
    });
    // Registered first, so run last, whatever the other undos do.
    this.#lifetime.defer((reason) => this.#closeSocket(reason));
    this.#lifetime.defer(() => this.#reservation[Symbol.dispose]());
    this.#lifetime.defer(() => this.#abortController.abort());
    this.#lifetime.defer(() => this.#channel.close());
    this.#listen();
    this.#startTimers(config);
    this.#channel.notify('welcome', welcomeOf(server));
  }

  get log(): Logger {
    return this.#log;
  }

  get context(): RequestContext | undefined {
    return this.#session;
  }

  get goingAway(): boolean {
    return this.#goingAway;
  }

  get signal(): AbortSignal {
    return this.#abortController.signal;
  }

  notify<E extends keyof ServerEvents>(event: E, data: ServerEvents[E]): void {
    this.#channel.notify(event, data);
  }

  pauseJoinTimeout(): Disposable {
    clearTimeout(this.#joinTimer);
    return { [Symbol.dispose]: () => this.#startJoinTimer() };
  }

  onEnd(listener: (reason: CloseReason) => void): void {
    this.#lifetime.defer(listener);
  }

  bindLog(ids: LogIds): void {
    this.#ids = { ...this.#ids, ...ids };
    this.#log = this.#baseLog.child(this.#ids);
  }

  attachSession(session: PeerSession): void {
    const { peer, room, requests, authenticated } = session;
    this.#session = session;
    this.bindLog({ room: room.key, peer: peer.id, identity: peer.identity });
    clearTimeout(this.#joinTimer);
    // Peers with a token are limited otherwise: a room has one member an identity.
    if (authenticated) this.#reservation[Symbol.dispose]();
    this.#channel.useQueue(requests);
    this.#lifetime.defer((reason) => session.detach(this, reason));
  }

  close(reason: CloseReason): void {
    if (this.#lifetime.end(reason)) this.#log.debug({ reason }, 'connection closed');
  }

  #closeSocket(reason: CloseReason): void {
    const { code } = closeReasons[reason];
    // 1006 cannot be sent, and nobody would read it.
    if (code === 1006) this.#socket.terminate();
    else this.#socket.close(code, reason);
    // A client that does not respond would not complete the closing handshake either.
    if (reason === 'unresponsive' || reason === 'sendBufferFull' || reason === 'resumed') this.#socket.terminate();
  }

  #logFailure(error: WeirError, { method, requestId: request }: FailedRequest): void {
    const { code, reason, cause, message: detail } = error;
    if (code === 'internal' || cause !== undefined) {
      this.#log.warn({ err: cause ?? error, request, method }, 'request failed');
    } else if (code === 'unknownMethod') {
      // What is no name of a request may be anything, a secret too.
      this.#refusals.write(this.#log, { request, code });
    } else {
      this.#refusals.write(this.#log, { request, method, code, reason, detail });
    }
  }

  #listen(): void {
    this.#socket.listen({
      onMessage: (message) => {
        this.#received();
        const debt = this.#rateLimit.take();
        if (debt >= this.server.config.messageBurst) this.close('rateLimited');
        else this.#channel.receive(message, debt > 0 ? new WeirError('rateLimited') : undefined);
      },
      onViolation: (reason) => {
        this.#received();
        this.close(reason);
      },
      onClose: (code) => {
        // 1005 stands for a close frame without a code.
        this.#goingAway = code === 1001 || code === 1005;
        this.close(closeReason(code));
      },
    });
  }

  #received(): void {
    if (!this.#lifetime.closed) this.#silenceTimer?.refresh();
    this.#session?.confirm();
  }

  #startTimers({ pingInterval, signallingTimeout }: Config): void {
    this.#startJoinTimer();
    this.#lifetime.defer(() => clearTimeout(this.#joinTimer));
    // The reply does not matter: any message of the client restarts the silence timer.
    const heartbeat = setInterval(() => this.#channel.request('ping', {}).catch(() => {}), pingInterval);
    this.#lifetime.defer(() => clearInterval(heartbeat));
    this.#silenceTimer = setTimeout(() => this.close('unresponsive'), signallingTimeout);
    this.#lifetime.defer(() => clearTimeout(this.#silenceTimer));
  }

  #startJoinTimer(): void {
    clearTimeout(this.#joinTimer);
    if (this.#session || this.#lifetime.closed) return;
    this.#joinTimer = setTimeout(() => this.close('joinTimeout'), this.server.config.joinTimeout);
  }

  #send(message: string): void {
    // The backlog of earlier messages counts, not the size of this one.
    if (this.#socket.bufferedAmount > this.server.config.maxSendBuffer) this.close('sendBufferFull');
    else this.#socket.send(message);
  }
}

function welcomeOf({ access, config }: ServerContext): Welcome {
  return {
    protocol: PROTOCOL_VERSION,
    auth: access.kind,
    rtpCapabilities: serverRtpCapabilities,
    video: { camera: config.cameraCodec, screen: config.screenCodec },
    policy: config.roomPolicy,
    joinReports: config.metrics !== undefined,
    limits: {
      messageBytes: config.maxMessageBytes,
      joinSeconds: config.joinTimeout / 1000,
      queueSeconds: config.joinQueue.timeout / 1000,
      pingSeconds: config.pingInterval / 1000,
      silenceSeconds: config.signallingTimeout / 1000,
      resumeSeconds: config.resumeWindow / 1000,
      dataBytes: MAX_DATA_BYTES,
      dataMessages: DATA_MESSAGES_PER_SECOND,
      dataBitrate: config.dataBitrate,
      fileBytes: config.fileMaxBytes,
      fileBitrate: config.fileBitrate,
    },
  };
}
