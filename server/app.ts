/** Owns the composition: what a Weir server is made of, in which order it starts and stops. */
import nodeHttp from 'node:http';
import https from 'node:https';
import type { Socket } from 'node:net';
import Fastify, { type FastifyBaseLogger, type FastifyInstance, LogController } from 'fastify';
import type { Logger } from 'pino';
import { AccessControl } from './auth/AccessControl.ts';
import { anonymousAuthenticator } from './auth/anonymousAuthenticator.ts';
import { Moderation } from './auth/Moderation.ts';
import { tokenAuthenticator } from './auth/tokenAuthenticator.ts';
import type { Config } from './config/Config.ts';
import { health } from './features/health.ts';
import { PageDocument } from './features/PageDocument.ts';
import { page, withoutBasePath } from './features/page.ts';
import { answerClientError, answerError, answerProblems } from './features/problems.ts';
import { roomInfo } from './features/roomInfo.ts';
import { ownAddresses } from './media/options.ts';
import { WorkerPool } from './media/WorkerPool.ts';
import { RoomManager } from './room/RoomManager.ts';
import { signalling } from './signalling/plugin.ts';
import { SessionRegistry } from './signalling/SessionRegistry.ts';

/**
 * Largest HTTP body and headers, in bytes, the latter for path parameters too, so that a route says what is wrong with one;
 * longest time for a request to arrive, in milliseconds.
 */
const HTTP_LIMITS = { body: 64 * 1024, headers: 16 * 1024, requestTime: 30_000 };

/**
 * How long after closing began a connection may still be there, in milliseconds: WebSockets have had their time by then.
 * One that asks for an upgrade while the server closes is answered, and then nobody would ever end it.
 */
const LINGERING_SOCKET_TIMEOUT = 3000;

export interface App {
  readonly http: FastifyInstance;
  readonly pool: WorkerPool;
  readonly rooms: RoomManager;
  /** Where media is announced, first one first. */
  readonly addresses: readonly string[];
  /** Starts to listen. @returns the TCP port */
  listen(): Promise<number>;
  /**
   * Lets nobody in any more, tells everyone, and waits until the last has left, or for so long.
   * @param time milliseconds
   * @param signal ends the waiting
   */
  drain(time: number, signal?: AbortSignal): Promise<void>;
  /** Stops in order: connections, rooms, workers; it is done when no process of Weir's is left. */
  close(): Promise<void>;
}

/**
 * Starts all but listening.
 * @throws {MediaPortError}, {PageMissingError}; nothing is left behind
 */
export async function createApp(config: Config, log: Logger): Promise<App> {
  const document = new PageDocument(config.basePath);
  const addresses = announcedAddresses(config);
  const pool = await WorkerPool.start({
    count: config.workers,
    listen: { ip: config.rtcHost, announcedAddresses: addresses },
    firstPort: config.rtcPort,
    responseTimeout: config.workerResponseTimeout,
    limits: config.load,
    log,
  });
  const { tokenLeeway: leeway, tokenMaxLifetime: maxLifetime } = config;
  // A token may be made by a clock that is ahead, and is good for that long after it has expired.
  const moderation = new Moderation({ lifetime: maxLifetime + 3 * leeway, leeway });
  const { maxPeers, maxAudibleSpeakers, joinQueue, delays } = config;
  const rooms = new RoomManager({ pool, moderation, maxPeers, maxAudibleSpeakers, joinQueue, delays, log });
  const authenticator = config.auth
    ? tokenAuthenticator({ ...config.auth, leeway, maxLifetime })
    : anonymousAuthenticator();
  const access = new AccessControl(authenticator, moderation);
  const sessions = new SessionRegistry({ window: config.resumeWindow, maxPerNetwork: config.maxConnectionsPerIp });
  const http = createHttp(config, log, document);
  answerProblems(http, document);
  destroyLingeringSockets(http);
  // Fastify runs this once its connections are closed and nothing new comes in.
  http.addHook('onClose', async () => {
    rooms.close();
    sessions.close();
    await pool.close();
  });
  const app: App = {
    http,
    pool,
    rooms,
    addresses,
    async listen() {
      await http.listen({ host: config.host, port: config.port });
      const address = http.server.address();
      return address !== null && typeof address === 'object' ? address.port : config.port;
    },
    drain: (time, signal) => rooms.drain(time, signal),
    close: () => http.close(),
  };
  try {
    await http.register(health, { pool, rooms });
    await http.register(roomInfo, { rooms, access });
    await http.register(page, { document, basePath: config.basePath });
    await http.register(signalling, { config, rooms, sessions, access, log, document });
    await http.ready();
    return app;
  } catch (error) {
    await app.close();
    throw error;
  }
}

function createHttp(config: Config, log: Logger, document: PageDocument): FastifyInstance {
  const serverOptions = { maxHeaderSize: HTTP_LIMITS.headers, requestTimeout: HTTP_LIMITS.requestTime };
  const logger: FastifyBaseLogger = log;
  return Fastify({
    loggerInstance: logger,
    logController: new LogController({ disableRequestLogging: true }),
    trustProxy: (_address: string, hop: number) => hop < config.trustProxy,
    bodyLimit: HTTP_LIMITS.body,
    // An address that somebody types need not be exact.
    routerOptions: {
      maxParamLength: HTTP_LIMITS.headers,
      ignoreTrailingSlash: true,
      ignoreDuplicateSlashes: true,
      caseSensitive: false,
    },
    rewriteUrl: ({ url = '/' }) => withoutBasePath(url, config.basePath),
    frameworkErrors: (error, request, reply) => void answerError(document, error, request, reply),
    clientErrorHandler: (error, socket) => answerClientError(document, error, socket),
    forceCloseConnections: true,
    genReqId: () => crypto.randomUUID(),
    serverFactory: (handler): nodeHttp.Server =>
      config.tls
        ? https.createServer({ ...config.tls, ...serverOptions }, handler)
        : nodeHttp.createServer(serverOptions, handler),
  });
}

function destroyLingeringSockets(http: FastifyInstance): void {
  const sockets = new Set<Socket>();
  http.server.on('connection', (socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
  });
  http.addHook('preClose', async () => {
    const timer = setTimeout(() => {
      for (const socket of sockets) socket.destroy();
    }, LINGERING_SOCKET_TIMEOUT);
    timer.unref();
    http.server.once('close', () => clearTimeout(timer));
  });
}

function announcedAddresses(config: Config): [string, ...string[]] {
  const [first, ...further] = config.announcedAddresses;
  if (first !== undefined) return [first, ...further];
  if (config.rtcHost !== '0.0.0.0') return [config.rtcHost];
  const [own = '127.0.0.1', ...others] = ownAddresses();
  return [own, ...others];
}
