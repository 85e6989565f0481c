/** Plain RTP over HTTP requests: encoders without WebRTC publish into a room. */
import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { Logger } from 'pino';
import { z } from 'zod';
import { WeirError } from '../../../shared/errors.ts';
import { RoomName } from '../../../shared/participants.ts';
import { validationSentence } from '../../../shared/validation.ts';
import { ConnectionLimit } from '../../common/ConnectionLimit.ts';
import { PrefixRateLimit } from '../../common/PrefixRateLimit.ts';
import type { Config } from '../../config/Config.ts';
import type { PlainTransports } from '../../media/PlainTransports.ts';
import { answerCrossOrigin, answerOptions } from '../http/crossOrigin.ts';
import { sendGatewayError } from '../http/gatewayErrors.ts';
import { bearerToken, parseAddress, refuseMethods, signalOf } from '../http/requests.ts';
import type { PublishContext } from '../openPublisher.ts';
import { IngestRequest } from './ingestRequest.ts';
import { type IngestContext, openIngest } from './openIngest.ts';
import { RtpSessions } from './RtpSession.ts';

export interface RtpOptions extends Pick<PublishContext, 'rooms' | 'access'> {
  readonly config: Config;
  readonly plain: PlainTransports;
  readonly log: Logger;
}

type RoomRequest = FastifyRequest<{ Params: { room: string } }>;
type SessionRequest = FastifyRequest<{ Params: { id: string } }>;

const ENDPOINT = '/rtp/:room';
const SESSIONS = '/rtp/sessions';
const METHODS = 'OPTIONS, POST';
const SESSION_METHODS = 'OPTIONS, GET, HEAD, DELETE';
const ACCEPTS = { 'accept-post': 'application/json' };
/** Requests per second from one network, and at once. */
const REQUESTS = { perSecond: 10, burst: 50 };
/** Bytes of a request. */
const BODY_LIMIT = 8192;

const Query = z.object({ kind: z.enum(['call', 'broadcast']).default('call') });

/**
 * `POST /rtp/<room>?kind=` with an `IngestRequest` as JSON: 201 with ports, SSRCs, SDP and command lines, and `Location` of the
 * session, which `DELETE` ends.
 */
export async function rtp(app: FastifyInstance, { config, rooms, access, plain, log }: RtpOptions): Promise<void> {
  const { roomPolicy, rtpIdleTimeout: idleTimeout, basePath } = config;
  const context: IngestContext = { rooms, access, roomPolicy, plain, idleTimeout, log };
  const sessions = new RtpSessions();
  const rate = new PrefixRateLimit(REQUESTS);
  // Whoever has a token is limited by the room: it has one member an identity.
  const withoutToken = new ConnectionLimit(config.maxConnectionsPerIp);

  // Before the body is read, whatever it is.
  const onRequest = async ({ ip }: FastifyRequest) => {
    if (!rate.tryTake(ip)) throw new WeirError('rateLimited', 'Too many requests from this network.');
  };

  app.setErrorHandler(sendGatewayError);
  answerCrossOrigin(app, config);

  app.options(ENDPOINT, (request, reply) => answerOptions(request, reply, METHODS, ACCEPTS));
  refuseMethods(app, ENDPOINT, METHODS);
  sessionRoutes(app, sessions);

  app.post(ENDPOINT, { bodyLimit: BODY_LIMIT, onRequest }, async (request: RoomRequest, reply) => {
    const room = parseAddress(RoomName, request.params.room);
    const { kind } = parseAddress(Query, request.query);
    const admission = await access.admit({ room, kind, token: bearerToken(request), role: 'speaker' });
    const body = parseBody(request.body);
    const place = admission.credentials.token ? undefined : withoutToken.acquire(request.ip);
    if (!admission.credentials.token && !place) {
      throw new WeirError('rateLimited', 'Too many sessions from this address.');
    }
    try {
      const session = await openIngest(context, admission, { room, signal: signalOf(reply) }, body);
      sessions.add(session);
      session.onEnd(() => place?.[Symbol.dispose]());
      const location = `${basePath}${SESSIONS}/${session.id}`;
      return reply
        .code(201)
        .headers({ location, 'cache-control': 'no-store' })
        .send({ session: location, ...session.description });
    } catch (error) {
      place?.[Symbol.dispose]();
      throw error;
    }
  });
}

/**
 * Serves `/rtp/sessions/:id`. Whoever knows the URL of a session may use it, without a token: it has 256 random bits, and outlives
 * the token that opened it.
 */
function sessionRoutes(app: FastifyInstance, sessions: RtpSessions): void {
  const url = `${SESSIONS}/:id`;
  app.options(url, (request, reply) => answerOptions(request, reply, SESSION_METHODS, {}));
  app.get(url, (request: SessionRequest, reply) =>
    reply.header('cache-control', 'no-store').send(sessions.get(request.params.id).description),
  );
  app.delete(url, (request: SessionRequest, reply) => {
    sessions.get(request.params.id).close();
    return reply.code(204).send();
  });
  refuseMethods(app, url, SESSION_METHODS);
}

/** @throws {WeirError} `badRequest` */
function parseBody(body: unknown): IngestRequest {
  const parsed = IngestRequest.safeParse(body ?? {});
  if (!parsed.success) throw new WeirError('badRequest', validationSentence(parsed.error, 'The request'));
  return parsed.data;
}
