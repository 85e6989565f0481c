/** Composes a Weir server of its parts, and starts and stops them in order. */
import { randomBytes } from 'node:crypto';
import nodeHttp from 'node:http';
import https from 'node:https';
import type { Socket } from 'node:net';
import Fastify, { type FastifyBaseLogger, type FastifyInstance, LogController } from 'fastify';
import type { Logger } from 'pino';
import { AdminAccess } from './api/AdminAccess.ts';
import { EventLog } from './api/events/EventLog.ts';
import { Metrics } from './api/metrics/Metrics.ts';
import { MetricsPort } from './api/metrics/MetricsPort.ts';
import { metricsRoute } from './api/metrics/metricsRoute.ts';
import { Operations } from './api/Operations.ts';
import { rest } from './api/rest/rest.ts';
import { twirp } from './api/twirp/twirp.ts';
import { Webhooks } from './api/webhooks/Webhooks.ts';
import { AccessControl } from './auth/AccessControl.ts';
import { anonymousAuthenticator } from './auth/anonymousAuthenticator.ts';
import { Moderation } from './auth/Moderation.ts';
import { tokenAuthenticator } from './auth/tokenAuthenticator.ts';
import type { Config } from './config/Config.ts';
import { connectionInfo } from './features/connectionInfo.ts';
import { health } from './features/health.ts';
import { PageDocument } from './features/PageDocument.ts';
import { PlayerDocument } from './features/PlayerDocument.ts';
import { page, withoutBasePath } from './features/page.ts';
import { answerClientError, answerError, answerProblems } from './features/problems.ts';
import { roomInfo } from './features/roomInfo.ts';
import { selfTestRoute } from './features/selfTest.ts';
import { WatchDocument } from './features/WatchDocument.ts';
import { RoomAudios } from './gateways/playback/RoomAudio.ts';
import { RtmpServer } from './gateways/rtmp/RtmpServer.ts';
import { rtp } from './gateways/rtp/rtp.ts';
import { whep } from './gateways/whep/whep.ts';
import { whip } from './gateways/whip/whip.ts';
import { AnnouncedAddresses } from './ice/AnnouncedAddresses.ts';
import { addressFacts, addressFactsWithStun } from './ice/addressFacts.ts';
import type { AddressFacts } from './ice/checkAddresses.ts';
import { IceServers } from './ice/IceServers.ts';
import { SelfTest } from './ice/SelfTest.ts';
import { StunResponder } from './ice/StunResponder.ts';
import type { TestedWorker } from './ice/selfTest/mediaRows.ts';
import { Loopback } from './media/Loopback.ts';
import type { MediaWorker } from './media/MediaWorker.ts';
import { PlainTransports } from './media/PlainTransports.ts';
import { WorkerPool } from './media/WorkerPool.ts';
import { RoomManager } from './room/RoomManager.ts';
import { DiagnosisLimits } from './signalling/DiagnosisLimits.ts';
import { signalling } from './signalling/plugin.ts';
import { SessionRegistry } from './signalling/SessionRegistry.ts';

/**
 * Maximum HTTP body and headers, in bytes, and time to receive a request, in milliseconds. The limit of headers applies to
 * path parameters too, so that it is the route that reports an invalid one.
 */
const HTTP_LIMITS = { body: 64 * 1024, headers: 16 * 1024, requestTime: 30_000 };

/**
 * How long after closing has begun the remaining TCP connections are destroyed, in milliseconds. WebSockets have closed by
 * then. A request for an upgrade that arrives while the server closes is answered, and nothing else would ever close it.
 */
const LINGERING_SOCKET_TIMEOUT = 3000;

/** How long what has happened at the end is sent to webhooks, at most, in milliseconds. */
const WEBHOOK_DRAIN_TIME = 4000;

/** Whom TURN servers count the allocations of self-tests to. */
const SELF_TEST_USER = 'self-test';

export interface App {
  readonly http: FastifyInstance;
  readonly pool: WorkerPool;
  readonly rooms: RoomManager;
  /** What the API does. */
  readonly operations: Operations;
  /** What happens in all rooms. */
  readonly events: EventLog;
  /** Undefined where events are sent nowhere. */
  readonly webhooks: Webhooks | undefined;
  readonly selfTest: SelfTest;
  /** The addresses of the media ports that browsers are told. */
  readonly announced: AnnouncedAddresses;
  /** Undefined where it is off, or its port is taken. */
  readonly stunResponder: StunResponder | undefined;
  /** Undefined where it is off, its port is taken, or ffmpeg is missing. */
  readonly rtmp: RtmpServer | undefined;
  /** The port of metrics alone; undefined where it is off, or taken. */
  readonly metricsPort: MetricsPort | undefined;
  /** Starts listening. @returns the TCP port */
  listen(): Promise<number>;
  /**
   * Admits nobody any more, notifies all clients, and waits until the last peer has left.
   * @param time the longest wait, in milliseconds
   * @param signal aborts the wait
   */
  drain(time: number, signal?: AbortSignal): Promise<void>;
  /** Stops connections, rooms and workers, in this order. Resolves when no worker process is left. */
  close(): Promise<void>;
}

/**
 * Starts everything except listening.
 * @throws {MediaPortError}, {PageMissingError}, {AnnouncedAddressError}; nothing is left running then
 */
export async function createApp(config: Config, log: Logger): Promise<App> {
  const document = new PageDocument(config);
  const { announcedAddresses: configured, rtcHosts: ips } = config;
  const announced = await AnnouncedAddresses.start({ configured, listening: ips, log });
  const pool = await WorkerPool.start({
    count: config.workers,
    listen: { ips, announced },
    firstPort: config.rtcPort,
    responseTimeout: config.workerResponseTimeout,
    limits: config.load,
    log,
  }).catch((error: unknown) => {
    announced.close();
    throw error;
  });
  const { stunPort } = config;
  const stunResponder =
    stunPort === undefined ? undefined : await StunResponder.start({ hosts: ips, port: stunPort, log });
  const { tokenLeeway: leeway, tokenMaxLifetime: maxLifetime } = config;
  // An issuer's clock may be ahead by the leeway, and a token is accepted for the leeway after it has expired.
  const moderation = new Moderation({ lifetime: maxLifetime + 3 * leeway, leeway });
  const { maxPeers, maxAudibleSpeakers, joinQueue, chat, delays } = config;
  const iceServers = new IceServers({
    turn: config.turn,
    stunUrls: () => stunResponder?.urls(announced.addresses) ?? [],
  });
  const rooms = new RoomManager({
    pool,
    moderation,
    maxPeers,
    maxAudibleSpeakers,
    joinQueue,
    chat,
    iceServersFor: (identity) => iceServers.for(identity),
    delays,
    log,
  });
  const operations = new Operations({ rooms, roomPolicy: config.roomPolicy });
  const events = new EventLog({ rooms, log });
  const metrics = config.metrics && new Metrics({ pool, rooms, events });
  const metricsPort = await openMetricsPort(config, metrics, log);
  const webhooks =
    config.webhooks && new Webhooks({ ...config.webhooks, source: events, dataDir: config.dataDir, log });
  const verify = config.auth && { ...config.auth, leeway, maxLifetime };
  const authenticator = verify ? tokenAuthenticator(verify) : anonymousAuthenticator();
  const adminAccess = new AdminAccess({ verify, moderation });
  const access = new AccessControl(authenticator, moderation);
  const plain = new PlainTransports({ ports: config.rtpPorts, listen: { ips, announced } });
  const { host, rtmpPort, ffmpeg, roomPolicy, rtpIdleTimeout: idleTimeout } = config;
  const rtmp =
    rtmpPort === undefined
      ? undefined
      : await RtmpServer.start({ host, port: rtmpPort, ffmpeg, rooms, access, roomPolicy, plain, idleTimeout, log });
  const sessions = new SessionRegistry({ window: config.resumeWindow, maxPerNetwork: config.maxConnectionsPerIp });
  const diagnosisLimits = new DiagnosisLimits({
    rooms,
    enabled: config.diagnose,
    lifetime: config.delays?.diagnosisLifetime,
  });
  const http = createHttp(config, log, document);
  answerProblems(http, document);
  destroyLingeringSockets(http);
  const selfTest = new SelfTest({
    workers: () => pool.workers.map((worker) => testedWorker(worker)),
    addressFacts: (signal) => factsOf(config, announced, signal),
    url: () => localUrl(http, config),
    certificate: config.tls?.cert,
    iceServers: () => iceServers.for(SELF_TEST_USER),
    missingStunPort: stunResponder ? undefined : stunPort,
    tokenLeeway: leeway,
  });
  // Fastify runs this hook when all connections are closed and no new ones are accepted.
  http.addHook('onClose', async () => {
    selfTest.close();
    await metricsPort?.close();
    metrics?.close();
    rtmp?.close();
    rooms.close();
    events.close();
    const sent = webhooks?.close(Math.min(config.drainTime, WEBHOOK_DRAIN_TIME));
    sessions.close();
    await pool.close();
    announced.close();
    stunResponder?.close();
    await sent;
  });
  const ownPorts = () => {
    const address = http.server.address();
    const httpPort = address !== null && typeof address === 'object' ? address.port : config.port;
    const others = [stunResponder, rtmp, metricsPort].map((one) => one?.port ?? 0);
    return [httpPort, ...pool.workers.map(({ port }) => port), ...others];
  };
  const app: App = {
    http,
    pool,
    rooms,
    operations,
    events,
    webhooks,
    selfTest,
    announced,
    stunResponder,
    rtmp,
    metricsPort,
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
    await http.register(roomInfo, { rooms, access, roomPolicy: config.roomPolicy });
    await http.register(connectionInfo, { trustProxy: config.trustProxy });
    await http.register(selfTestRoute, { selfTest, verify });
    const { token } = config.metrics ?? {};
    if (metrics && token !== undefined) await http.register(metricsRoute, { metrics, token });
    const { basePath, diagnose } = config;
    const api = { access: adminAccess, operations };
    await http.register(rest, { ...api, basePath });
    await http.register(twirp, api);
    const documents = {
      document,
      watchDocument: new WatchDocument(config),
      playerDocument: new PlayerDocument(config),
    };
    await http.register(page, { ...documents, basePath, diagnose });
    await http.register(whip, { config, rooms, access, iceServers });
    // One for both: each microphone is read once.
    const audios = new RoomAudios(log);
    await http.register(whep, { config, rooms, access, iceServers, audios, log });
    await http.register(rtp, { config, rooms, access, plain, audios, ownPorts, log });
    await http.register(signalling, { config, rooms, sessions, access, iceServers, diagnosisLimits, log, document });
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
    logController: new LogController({ disableRequestLogging: true, requestIdLogLabel: 'request' }),
    trustProxy: (_address: string, hop: number) => hop < config.trustProxy,
    bodyLimit: HTTP_LIMITS.body,
    // People type addresses inexactly.
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
    // Short, since people quote it; and never a client's own.
    genReqId: () => randomBytes(6).toString('hex'),
    serverFactory: (handler): nodeHttp.Server =>
      config.tls
        ? https.createServer({ ...config.tls, ...serverOptions }, handler)
        : nodeHttp.createServer(serverOptions, handler),
  });
}

async function openMetricsPort(
  config: Config,
  metrics: Metrics | undefined,
  log: Logger,
): Promise<MetricsPort | undefined> {
  const { port, host, token } = config.metrics ?? {};
  if (!metrics || port === undefined || host === undefined) return undefined;
  return MetricsPort.start({ metrics, port, host, token, log });
}

/** A media worker as the self-test sees it. */
function testedWorker(worker: MediaWorker): TestedWorker {
  const { port, iceCandidates } = worker;
  return { port, iceCandidates, openTransport: () => Loopback.open(worker) };
}

/** What the self-test knows of the announced addresses. */
async function factsOf(config: Config, announced: AnnouncedAddresses, signal: AbortSignal): Promise<AddressFacts> {
  const { announcedAddresses, rtcHosts: listening, stunServer } = config;
  const options = { announced, configured: announcedAddresses.length > 0, listening };
  return stunServer ? addressFactsWithStun(options, stunServer, signal) : addressFacts(options);
}

/** Where this machine itself reaches the server. */
function localUrl(http: FastifyInstance, { tls, basePath }: Config): URL | undefined {
  const address = http.server.address();
  if (address === null || typeof address === 'string') return undefined;
  const local = { '0.0.0.0': '127.0.0.1', '::': '[::1]' }[address.address];
  const host = local ?? (address.family === 'IPv6' ? `[${address.address}]` : address.address);
  return new URL(`${tls ? 'https' : 'http'}://${host}:${address.port}${basePath}`);
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
