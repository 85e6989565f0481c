/** Accepts the connections of clients, whatever carries them: from which pages, how many per address, until the server closes. */
import type { FastifyRequest } from 'fastify';
import type { Logger } from 'pino';
import { ConnectionLimit } from '../common/ConnectionLimit.ts';
import { originAllowed } from '../common/originAllowed.ts';
import { RefusalLog } from '../common/RefusalLog.ts';
import type { MessageSocket } from './MessageSocket.ts';
import type { ServerContext } from './ServerContext.ts';
import { SignallingConnection } from './SignallingConnection.ts';

/** Why a connection is refused. */
export type Refusal = 'originNotAllowed' | 'tooManyConnections';

export class ConnectionAcceptor {
  readonly #server: ServerContext;
  readonly #log: Logger;
  readonly #limit: ConnectionLimit;
  readonly #refusals = new RefusalLog();
  readonly #connections = new Set<SignallingConnection>();

  constructor(server: ServerContext, log: Logger) {
    this.#server = server;
    this.#log = log;
    this.#limit = new ConnectionLimit(server.config.maxConnectionsPerIp);
  }

  /**
   * Begins the connection that a request has asked for.
   * @param createSocket called unless it is refused
   * @returns why it is refused, of which the client is to be told
   */
  accept(request: FastifyRequest, createSocket: () => MessageSocket): Refusal | undefined {
    if (!this.allowsOrigin(request)) return 'originNotAllowed';
    const { ip: address } = request;
    const reservation = this.#limit.acquire(address);
    if (!reservation) {
      this.#log.warn({ address }, 'too many connections from this address');
      return 'tooManyConnections';
    }
    const options = { address, reservation, id: request.id, log: this.#log, refusals: this.#refusals };
    const connection = new SignallingConnection(createSocket(), this.#server, options);
    this.#connections.add(connection);
    connection.onEnd(() => this.#connections.delete(connection));
    return undefined;
  }

  /** Whether the page that a request is from may connect. The log has what is wrong, for the operator. */
  allowsOrigin(request: FastifyRequest): boolean {
    const { allowedOrigins, trustProxy } = this.#server.config;
    if (originAllowed(request, allowedOrigins, trustProxy)) return true;
    const { origin, host, 'x-forwarded-host': forwardedHost } = request.headers;
    this.#log.warn(
      { origin, host, forwardedHost },
      `refused a page of origin ${origin}: the request is for host ${request.host}. A proxy must forward the Host header, or set X-Forwarded-Host with WEIR_TRUST_PROXY=1; list origins of other pages in WEIR_ALLOWED_ORIGINS`,
    );
    return false;
  }

  /** Closes all connections: the server is closing. */
  close(): void {
    for (const connection of this.#connections) connection.close('serverClosing');
  }
}
