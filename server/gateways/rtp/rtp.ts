/** Plain RTP over HTTP requests: programs without WebRTC publish into a room, and receive from it. */
import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { Logger } from 'pino';
import { z } from 'zod';
import { WeirError } from '../../../shared/errors.ts';
import type { Role } from '../../../shared/participants.ts';
import { validationSentence } from '../../../shared/validation.ts';
import { IpNetworks } from '../../common/IpNetworks.ts';
import { PrefixRateLimit, type PrefixRateLimitOptions } from '../../common/PrefixRateLimit.ts';
import type { Config } from '../../config/Config.ts';
import type { PlainTransports } from '../../media/PlainTransports.ts';
import { answerCrossOrigin, answerOptions } from '../http/crossOrigin.ts';
import { gatewayErrors } from '../http/gatewayErrors.ts';
import { refuseMethods } from '../http/requests.ts';
import { type AdmittedRequest, type RoomQuery, type RoomRequest, SessionOpener } from '../http/SessionOpener.ts';
import { SDP } from '../http/sessionRoutes.ts';
import type { PublishContext } from '../openPublisher.ts';
import type { RoomAudios } from '../playback/RoomAudio.ts';
import { EgressRequest } from './egressRequest.ts';
import { IngestRequest } from './ingestRequest.ts';
import { type EgressContext, openEgress } from './openEgress.ts';
import { type IngestContext, openIngest } from './openIngest.ts';
import { type RtpSession, RtpSessions } from './RtpSession.ts';

export interface RtpOptions extends Pick<PublishContext, 'rooms' | 'access'> {
  readonly config: Config;
  readonly plain: PlainTransports;
  readonly audios: RoomAudios;
  /** The ports that the server listens on now, besides those of plain RTP. */
  ownPorts(): readonly number[];
  readonly log: Logger;
}

type SessionRequest = FastifyRequest<{ Params: { id: string } }>;

const ENDPOINT = '/rtp/:room';
const EGRESS = '/rtp/egress/:room';
const SESSIONS = '/rtp/sessions';
const METHODS = 'OPTIONS, POST';
const SESSION_METHODS = 'OPTIONS, GET, HEAD, DELETE';
const ACCEPTS = { 'accept-post': 'application/json' };
/** Sessions of one address without a token: each takes up to four of the ports that there are for all. */
const MAX_PER_ADDRESS = 50;
/** Requests for sessions per second from one network, and at once; and requests to sessions. */
const REQUESTS = { perSecond: 10, burst: 50 };
const SESSION_REQUESTS = { perSecond: 50, burst: 300 };
/** Bytes of a request. */
const BODY_LIMIT = 8192;

const Query = z.object({ kind: z.enum(['call', 'broadcast']).default('call') });

/**
 * `POST /rtp/<room>?kind=` with an `IngestRequest` as JSON: 201 with ports, SSRCs, SDP and command lines, and `Location` of the
 * session, which `DELETE` ends. `POST /rtp/egress/<room>?kind=` with an `EgressRequest`: the same for a receiver.
 */
export async function rtp(
  app: FastifyInstance,
  { config, rooms, access, plain, audios, ownPorts, log }: RtpOptions,
): Promise<void> {
  const { roomPolicy, rtpIdleTimeout: idleTimeout, rtpPorts, maxIncomingBitrate, basePath } = config;
  const ingest: IngestContext = { rooms, access, roomPolicy, plain, idleTimeout, maxIncomingBitrate, log };
  const networks = new IpNetworks(config.rtpEgressNetworks);
  const isOwnPort = (port: number) =>
    ownPorts().includes(port) || (rtpPorts !== undefined && port >= rtpPorts[0] && port <= rtpPorts[1]);
  const egress: EgressContext = { rooms, audios, plain, networks, isOwnPort, idleTimeout, log };
  const sessions = new RtpSessions();
  const opener = new SessionOpener(rooms, access, Math.min(config.maxConnectionsPerIp, MAX_PER_ADDRESS));

  app.setErrorHandler(gatewayErrors());
  answerCrossOrigin(app, config);
  await app.register(async (routes) => {
    limitRate(routes, SESSION_REQUESTS);
    sessionRoutes(routes, sessions);
  });
  limitRate(app, REQUESTS);

  /** Serves one of the endpoints. */
  const serve = <Body>(
    url: string,
    role: Role,
    schema: z.ZodType<Body>,
    open: (who: AdmittedRequest<RoomQuery>, body: Body) => Promise<RtpSession>,
  ) => {
    app.options(url, (request, reply) => answerOptions(request, reply, METHODS, ACCEPTS));
    refuseMethods(app, url, METHODS);
    app.post(url, { bodyLimit: BODY_LIMIT }, async (request: RoomRequest, reply) => {
      const { session } = await opener.open(request, reply, { role, query: Query }, async (admitted) => ({
        session: await open(admitted, parseBody(schema, request.body)),
      }));
      sessions.add(session);
      const location = `${basePath}${SESSIONS}/${session.id}`;
      return reply
        .code(201)
        .headers({ location, 'cache-control': 'no-store' })
        .send({ session: location, ...session.description });
    });
  };
  serve(ENDPOINT, 'speaker', IngestRequest, ({ admission, room, signal }, body) =>
    openIngest(ingest, admission, { room, signal }, body),
  );
  serve(EGRESS, 'viewer', EgressRequest, ({ admission, room, signal }, body) =>
    openEgress(egress, admission, { room, signal }, body),
  );
}

/** Limits the rate of one network in all routes that follow, before bodies are read. */
function limitRate(app: FastifyInstance, limit: PrefixRateLimitOptions): void {
  const rate = new PrefixRateLimit(limit);
  app.addHook('onRequest', async ({ ip }) => {
    if (!rate.tryTake(ip)) throw new WeirError('rateLimited', 'Too many requests from this network.');
  });
}

/**
 * Serves `/rtp/sessions/:id`, its SDP as a file, and requests for key frames. Whoever knows the URL of a session may use it, without
 * a token: it has 256 random bits, and outlives the token that opened it.
 */
function sessionRoutes(app: FastifyInstance, sessions: RtpSessions): void {
  const url = `${SESSIONS}/:id`;
  app.options(url, (request, reply) => answerOptions(request, reply, SESSION_METHODS, {}));
  app.get(url, (request: SessionRequest, reply) =>
    reply.header('cache-control', 'no-store').send(sessions.get(request.params.id).description),
  );
  app.get(`${url}/sdp`, (request: SessionRequest, reply) =>
    reply.header('cache-control', 'no-store').type(SDP).send(sessions.get(request.params.id).description.sdp),
  );
  app.post(`${url}/keyframe`, (request: SessionRequest, reply) => {
    sessions.get(request.params.id).requestKeyFrame();
    return reply.code(204).send();
  });
  app.delete(url, (request: SessionRequest, reply) => {
    sessions.get(request.params.id).close();
    return reply.code(204).send();
  });
  refuseMethods(app, url, SESSION_METHODS);
}

/** @throws {WeirError} `badRequest` */
function parseBody<T>(schema: z.ZodType<T>, body: unknown): T {
  const parsed = schema.safeParse(body ?? {});
  if (!parsed.success) throw new WeirError('badRequest', validationSentence(parsed.error, 'The request'));
  return parsed.data;
}
