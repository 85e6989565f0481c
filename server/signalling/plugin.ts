/** The WebSocket route of the signalling: who may connect, and that all connections close with the server. */
import websocket from '@fastify/websocket';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { Logger } from 'pino';
import type { WebSocket } from 'ws';
import { closeReasons } from '../../shared/closeReasons.ts';
import { SIGNALLING_PATH } from '../../shared/protocol.ts';
import { ConnectionLimit } from '../common/ConnectionLimit.ts';
import { originAllowed } from '../common/originAllowed.ts';
import type { PageDocument } from '../features/PageDocument.ts';
import { sendProblem } from '../features/problems.ts';
import type { ServerContext } from './ServerContext.ts';
import { SignallingConnection } from './SignallingConnection.ts';

/** How long a client may take to answer a close frame before its socket is destroyed, in milliseconds. */
const CLOSE_TIMEOUT = 2000;
/** Maximum number of fragments of a message. */
const MAX_FRAGMENTS = 128;

interface SignallingOptions extends ServerContext {
  readonly log: Logger;
  /** Shown to a browser that opens the address of the signalling as a page. */
  readonly document: PageDocument;
}

/** Serves the signalling over WebSocket at `/ws`. Closing the Fastify instance closes every connection with `serverClosing`. */
export async function signalling(app: FastifyInstance, options: SignallingOptions): Promise<void> {
  const { config, log, document } = options;
  const connections = new Set<SignallingConnection>();
  const limit = new ConnectionLimit(config.maxConnectionsPerIp);

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
      for (const connection of connections) connection.close('serverClosing');
      this.websocketServer.close(() => done());
    },
  });

  const handler = (request: FastifyRequest, reply: FastifyReply) =>
    sendProblem(document, request, reply.header('upgrade', 'websocket'), 'upgradeRequired');
  const wsHandler = (socket: WebSocket, request: FastifyRequest) => {
    if (!originAllowed(request, config.allowedOrigins, config.trustProxy)) {
      refuseOrigin(socket, request, log);
      return;
    }
    const { ip: address } = request;
    const reservation = limit.acquire(address);
    if (!reservation) {
      log.warn({ address }, 'too many connections from this address');
      socket.close(closeReasons.tooManyConnections.code, 'tooManyConnections');
      return;
    }
    const connection = new SignallingConnection(socket, options, {
      address,
      reservation,
      log: log.child({ connection: request.id }),
    });
    connections.add(connection);
    connection.onEnd(() => connections.delete(connection));
  };
  app.route({ method: 'GET', url: SIGNALLING_PATH, handler, wsHandler });
}

/**
 * Closes the connection of a page that may not connect. A page cannot read the status or body of a refused upgrade, so the
 * connection is opened and its close frame has the reason; the log has it for the operator.
 */
function refuseOrigin(socket: WebSocket, request: FastifyRequest, log: Logger): void {
  const { origin, host, 'x-forwarded-host': forwardedHost } = request.headers;
  log.warn(
    { origin, host, forwardedHost },
    `refused a page of origin ${origin}: the request is for host ${request.host}. A proxy must forward the Host header, or set X-Forwarded-Host with WEIR_TRUST_PROXY=1; list origins of other pages in WEIR_ALLOWED_ORIGINS`,
  );
  socket.close(closeReasons.originNotAllowed.code, 'originNotAllowed');
}
