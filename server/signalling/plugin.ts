/** Owns the way in: the WebSocket route, who may open it, and that all connections end with the server. */
import websocket from '@fastify/websocket';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { Logger } from 'pino';
import { closings } from '../../shared/closing.ts';
import { SIGNALLING_PATH } from '../../shared/protocol.ts';
import type { SignallingContext } from './Caller.ts';
import { Connection } from './Connection.ts';
import { networkOf } from './network.ts';

/** How long a client may take to answer a close frame before its socket is cut, in milliseconds. */
const CLOSE_TIMEOUT = 2000;
/** Fragments that one message may come in. */
const MAX_FRAGMENTS = 128;

/** Signalling over WebSocket at `/ws`. Closing the Fastify instance closes every connection with `serverClosing`. */
export async function signalling(app: FastifyInstance, options: SignallingContext & { log: Logger }): Promise<void> {
  const { config, log } = options;
  const connections = new Set<Connection>();
  const perAddress = new Map<string, number>();

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

  const checkCaller = async (request: FastifyRequest, reply: FastifyReply) => {
    if (!originAllowed(request, config.allowedOrigins)) {
      // A browser shows its page neither status nor body of a refused upgrade: the operator has to hear of it.
      log.warn({ origin: request.headers.origin }, 'a page of an origin that is not allowed tried to connect');
      const error = `Pages of ${request.headers.origin} may not connect here; WEIR_ALLOWED_ORIGINS says which may.`;
      return reply.code(403).send({ error });
    }
  };
  app.get(SIGNALLING_PATH, { websocket: true, preValidation: checkCaller }, (socket, request) => {
    const address = networkOf(request.ip);
    if ((perAddress.get(address) ?? 0) >= config.maxConnectionsPerIp) {
      log.warn({ address }, 'too many connections from this address');
      socket.close(closings.tooManyConnections.code, 'tooManyConnections');
      return;
    }
    const connection = new Connection(socket, options, {
      address: request.ip,
      log: log.child({ connection: request.id }),
    });
    connections.add(connection);
    connection.onEnd(() => connections.delete(connection));
    perAddress.set(address, (perAddress.get(address) ?? 0) + 1);
    connection.onEnd(() => {
      const left = (perAddress.get(address) ?? 1) - 1;
      if (left > 0) perAddress.set(address, left);
      else perAddress.delete(address);
    });
  });
}

/**
 * Whether a browser's page may connect: one that we serve ourselves, or one that is listed. No Origin at all means no
 * browser, whom this check could not stop from naming any.
 */
function originAllowed(request: FastifyRequest, allowed: readonly string[]): boolean {
  const { origin } = request.headers;
  if (origin === undefined || allowed.includes('*') || allowed.includes(origin)) return true;
  return URL.canParse(origin) && new URL(origin).host === request.host && origin.startsWith('http');
}
