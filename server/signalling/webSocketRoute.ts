/** The WebSocket route of the signalling. */
import websocket from '@fastify/websocket';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { Logger } from 'pino';
import type { WebSocket } from 'ws';
import { closeReasons } from '../../shared/closeReasons.ts';
import { SIGNALLING_PATH } from '../../shared/protocol.ts';
import type { Config } from '../config/Config.ts';
import type { PageDocument } from '../features/PageDocument.ts';
import { sendProblem } from '../features/problems.ts';
import type { ConnectionAcceptor } from './ConnectionAcceptor.ts';
import { WebSocketAdapter } from './WebSocketAdapter.ts';

/** How long a client may take to answer a close frame before its socket is destroyed, in milliseconds. */
const CLOSE_TIMEOUT = 2000;
/** Maximum number of fragments of a message. */
const MAX_FRAGMENTS = 128;

export interface WebSocketRouteOptions {
  readonly acceptor: ConnectionAcceptor;
  readonly config: Config;
  readonly log: Logger;
  /** Shown to a browser that opens the address as a page. */
  readonly document: PageDocument;
}

/** Serves the signalling over WebSocket at `/ws`. */
export async function webSocketRoute(app: FastifyInstance, options: WebSocketRouteOptions): Promise<void> {
  const { acceptor, config, log, document } = options;
  const socketOptions = {
    maxPayload: config.maxMessageBytes,
    maxFragments: MAX_FRAGMENTS,
    perMessageDeflate: false,
    closeTimeout: CLOSE_TIMEOUT,
  };
  await app.register(websocket, {
    options: socketOptions,
    errorHandler: (error, socket) => {
      log.debug({ err: error }, 'socket error');
      socket.terminate();
    },
    preClose(done) {
      acceptor.close();
      this.websocketServer.close(() => done());
    },
  });
  const handler = (request: FastifyRequest, reply: FastifyReply) =>
    sendProblem(document, request, reply.header('upgrade', 'websocket'), 'upgradeRequired');
  const wsHandler = (socket: WebSocket, request: FastifyRequest) => {
    const refusal = acceptor.accept(request, () => new WebSocketAdapter(socket));
    // A page cannot read the status or body of a refused upgrade, so the connection is opened and its close frame has the reason.
    if (refusal) socket.close(closeReasons[refusal].code, refusal);
  };
  app.route({ method: 'GET', url: SIGNALLING_PATH, handler, wsHandler });
}
