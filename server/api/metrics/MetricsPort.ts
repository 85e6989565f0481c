/** The port of `/metrics` apart from people's: plain HTTP, on loopback unless it is told otherwise. */
import Fastify, { type FastifyInstance } from 'fastify';
import type { Logger } from 'pino';
import { errorCode } from '../../common/errno.ts';
import { type MetricsRouteOptions, metricsRoute } from './metricsRoute.ts';

export interface MetricsPortOptions extends MetricsRouteOptions {
  readonly host: string;
  /** 0 for any. */
  readonly port: number;
  readonly log: Logger;
}

export class MetricsPort {
  readonly #http: FastifyInstance;

  private constructor(http: FastifyInstance) {
    this.#http = http;
  }

  /** @returns undefined when the port cannot be opened, which has been logged: everything else works without */
  static async start({ host, port, log, ...route }: MetricsPortOptions): Promise<MetricsPort | undefined> {
    const http = Fastify({ forceCloseConnections: true, requestTimeout: 10_000, bodyLimit: 1024 });
    await http.register(metricsRoute, route);
    try {
      await http.listen({ host, port });
      return new MetricsPort(http);
    } catch (error) {
      await http.close();
      const code = errorCode(error);
      const cause = { EADDRINUSE: 'is in use by another program', EACCES: 'requires privileges' }[code ?? ''];
      log.warn(
        `Metrics port ${port} (TCP on ${host}) ${cause ?? `cannot be opened (${code ?? String(error)})`}: Weir runs without it. Choose another with WEIR_METRICS_PORT or WEIR_METRICS_HOST, or set the port to off.`,
      );
      return undefined;
    }
  }

  /** The TCP port on which it listens. */
  get port(): number {
    const address = this.#http.server.address();
    return address !== null && typeof address === 'object' ? address.port : 0;
  }

  close(): Promise<void> {
    return this.#http.close();
  }
}
