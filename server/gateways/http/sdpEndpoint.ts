/** An endpoint that takes an SDP offer and answers with SDP, the same for WHIP (RFC 9725, section 4.2) and WHEP. */
import type { FastifyInstance, FastifyReply } from 'fastify';
import type { z } from 'zod';
import { WeirError } from '../../../shared/errors.ts';
import type { Role } from '../../../shared/participants.ts';
import type { AccessControl } from '../../auth/AccessControl.ts';
import { PrefixRateLimit, type PrefixRateLimitOptions } from '../../common/PrefixRateLimit.ts';
import type { Config } from '../../config/Config.ts';
import { sendProblemDetails } from '../../features/problems.ts';
import type { IceServers } from '../../ice/IceServers.ts';
import type { RoomManager } from '../../room/RoomManager.ts';
import { answerCrossOrigin, answerOptions } from './crossOrigin.ts';
import type { GatewaySession } from './GatewaySession.ts';
import { gatewayErrors } from './gatewayErrors.ts';
import { iceServerLinks } from './iceServerLinks.ts';
import { isMediaType, refuseMethods } from './requests.ts';
import { type AdmittedRequest, type RoomQuery, type RoomRequest, SessionOpener } from './SessionOpener.ts';
import { acceptSdp, patchTypes, SDP, sessionRoutes } from './sessionRoutes.ts';

/** What the endpoints of a server share. */
export interface SdpEndpointContext {
  readonly config: Config;
  readonly rooms: RoomManager;
  readonly access: AccessControl;
  readonly iceServers: IceServers;
}

/** A session that has been opened by an offer. */
export interface OpenedSdpSession {
  readonly session: GatewaySession;
  /** Of the server. */
  readonly sdp: string;
  /** Whether it is a counter-offer, which the client has to answer. */
  readonly isCounterOffer?: boolean;
}

export interface SdpEndpointOptions<Query extends RoomQuery> {
  /** Its rooms are `<path>/:room`, its sessions `<path>/sessions/:id`. */
  readonly path: string;
  /** Whose grants a client without a token has. */
  readonly role: Role;
  readonly query: z.ZodType<Query>;
  /** Offers per second from one network, and at once. */
  readonly offers: PrefixRateLimitOptions;
  /** The response to GET, which has no content. */
  answerGet(reply: FastifyReply): FastifyReply;
  /** @throws {WeirError} nothing is left open then */
  open(request: AdmittedRequest<Query>, offer: string): Promise<OpenedSdpSession>;
}

const METHODS = 'OPTIONS, GET, HEAD, POST';
const ACCEPTS = { 'accept-post': SDP };

/**
 * `POST <path>/<room>?kind=` with an SDP offer: 201 with the answer, or 406 with a counter-offer; `Location` of the session, `ETag`,
 * and a `Link` for each ICE server. `PATCH` and `DELETE` are for the session, see `sessionRoutes`.
 */
export function sdpEndpoint<Query extends RoomQuery>(
  app: FastifyInstance,
  { config, rooms, access, iceServers }: SdpEndpointContext,
  { path, offers, answerGet, open, ...opening }: SdpEndpointOptions<Query>,
): void {
  const endpoint = `${path}/:room`;
  const sessionsPath = `${path}/sessions`;
  const sessions = new Map<string, GatewaySession>();
  const rate = new PrefixRateLimit(offers);
  const opener = new SessionOpener(rooms, access, config.maxConnectionsPerIp);

  app.setErrorHandler(gatewayErrors());
  answerCrossOrigin(app, config);
  acceptSdp(app);

  app.options(endpoint, (request, reply) => answerOptions(request, reply, METHODS, ACCEPTS));
  app.get(endpoint, (_request, reply) => answerGet(reply).send());
  refuseMethods(app, endpoint, METHODS);
  sessionRoutes(app, sessionsPath, sessions);

  app.post(endpoint, async (request: RoomRequest, reply) => {
    if (!rate.tryTake(request.ip)) throw new WeirError('rateLimited', 'Too many offers from this network.');
    const { body: offer } = request;
    if (!isMediaType(request.headers['content-type'], SDP) || typeof offer !== 'string') {
      return sendProblemDetails(reply.headers(ACCEPTS), 415, `The body must be an offer: ${SDP}.`);
    }
    const { session, sdp, isCounterOffer, identity } = await opener.open(request, reply, opening, async (admitted) => ({
      ...(await open(admitted, offer)),
      identity: admitted.admission.credentials.identity,
    }));
    sessions.set(session.id, session);
    session.onEnd(() => sessions.delete(session.id));
    const links = iceServerLinks(iceServers.for(identity));
    if (links.length > 0) reply.header('link', links);
    return reply
      .code(isCounterOffer ? 406 : 201)
      .type(SDP)
      .headers({ location: `${config.basePath}${sessionsPath}/${session.id}`, etag: session.entityTag })
      .headers({ ...patchTypes(session), 'cache-control': 'no-store' })
      .send(sdp);
  });
}
