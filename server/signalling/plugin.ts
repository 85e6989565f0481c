/** The signalling as a Fastify plugin: its routes, whose connections all close with the server. */
import type { FastifyInstance } from 'fastify';
import type { Logger } from 'pino';
import type { PageDocument } from '../features/PageDocument.ts';
import { ConnectionAcceptor } from './ConnectionAcceptor.ts';
import { httpRoutes } from './http/httpRoutes.ts';
import type { ServerContext } from './ServerContext.ts';
import { webSocketRoute } from './webSocketRoute.ts';

interface SignallingOptions extends ServerContext {
  readonly log: Logger;
  /** Shown to a browser that opens the address of the signalling as a page. */
  readonly document: PageDocument;
}

/** Serves the signalling over WebSocket, and over HTTP unless that is off. Closing the Fastify instance closes every connection with `serverClosing`. */
export async function signalling(app: FastifyInstance, options: SignallingOptions): Promise<void> {
  const { log, config, document } = options;
  const acceptor = new ConnectionAcceptor(options, log);
  await app.register(webSocketRoute, { acceptor, config, log, document });
  if (config.httpSignalling) await app.register(httpRoutes, { acceptor, config });
}
