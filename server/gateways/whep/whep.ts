/** WHEP (draft-ietf-wish-whep-04): players receive a call or a broadcast with one or two HTTP requests. */
import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { Logger } from 'pino';
import { z } from 'zod';
import { WeirError } from '../../../shared/errors.ts';
import { DisplayName, RoomName } from '../../../shared/participants.ts';
import type { AccessControl } from '../../auth/AccessControl.ts';
import { ConnectionLimit } from '../../common/ConnectionLimit.ts';
import { PrefixRateLimit } from '../../common/PrefixRateLimit.ts';
import type { Config } from '../../config/Config.ts';
import { sendProblemDetails } from '../../features/problems.ts';
import type { IceServers } from '../../ice/IceServers.ts';
import { canMapSentRtp } from '../../media/sendRtpMapping.ts';
import type { RoomManager } from '../../room/RoomManager.ts';
import { answerCrossOrigin, answerOptions } from '../http/crossOrigin.ts';
import type { GatewaySession } from '../http/GatewaySession.ts';
import { sendGatewayError } from '../http/gatewayErrors.ts';
import { iceServerLinks } from '../http/iceServerLinks.ts';
import { bearerToken, isMediaType, parseAddress, refuseMethods, signalOf } from '../http/requests.ts';
import { acceptSdp, SDP, SDP_FRAGMENT, sessionRoutes } from '../http/sessionRoutes.ts';
import { openWhepSession, type WhepContext } from './openWhepSession.ts';
import type { RoomAudios } from './RoomAudio.ts';

export interface WhepOptions {
  readonly config: Config;
  readonly rooms: RoomManager;
  readonly access: AccessControl;
  readonly iceServers: IceServers;
  readonly audios: RoomAudios;
  readonly log: Logger;
}

type OfferRequest = FastifyRequest<{ Params: { room: string } }>;

const ENDPOINT = '/whep/:room';
const SESSIONS = '/whep/sessions';
const METHODS = 'OPTIONS, GET, HEAD, POST';
const ACCEPTS = { 'accept-post': SDP };
/** Offers per second from one network, and at once: an office that watches comes at once. */
const OFFERS = { perSecond: 20, burst: 200 };

const Query = z.object({ kind: z.enum(['call', 'broadcast']).default('call'), name: DisplayName.optional() });

/**
 * `POST /whep/<room>?kind=&name=` with an SDP offer: 201 with an answer, or 406 with a counter-offer, which the player answers
 * by `PATCH` of the session in `Location`. 409 with `Retry-After` while nothing is live.
 */
export async function whep(
  app: FastifyInstance,
  { config, rooms, access, iceServers, audios, log }: WhepOptions,
): Promise<void> {
  const context: WhepContext = {
    rooms,
    audios,
    maxIncomingBitrate: config.maxIncomingBitrate,
    answersOffers: await canMapSentRtp(),
  };
  if (!context.answersOffers) {
    log.warn(
      'WHEP players get counter-offers, which few can answer: the media worker cannot send with their numbers (docs/whep.md).',
    );
  }
  const sessions = new Map<string, GatewaySession>();
  const rate = new PrefixRateLimit(OFFERS);
  const withoutToken = new ConnectionLimit(config.maxConnectionsPerIp);

  app.setErrorHandler(sendGatewayError);
  answerCrossOrigin(app, config);
  acceptSdp(app);

  app.options(ENDPOINT, (request, reply) => answerOptions(request, reply, METHODS, ACCEPTS));
  // By its content type players recognize a WHEP endpoint.
  app.get(ENDPOINT, (_request, reply) => reply.code(200).type(SDP).send());
  refuseMethods(app, ENDPOINT, METHODS);
  sessionRoutes(app, SESSIONS, sessions);

  app.post(ENDPOINT, async (request: OfferRequest, reply) => {
    if (!rate.tryTake(request.ip)) throw new WeirError('rateLimited', 'Too many offers from this network.');
    const { body: sdp } = request;
    if (!isMediaType(request.headers['content-type'], SDP) || typeof sdp !== 'string') {
      return sendProblemDetails(reply.headers(ACCEPTS), 415, `The body must be an offer: ${SDP}.`);
    }
    const signal = signalOf(reply);
    const room = parseAddress(RoomName, request.params.room);
    const { kind, name } = parseAddress(Query, request.query);
    return rooms.refusals.watch(room, kind, async () => {
      const admission = await access.admit({ room, kind, token: bearerToken(request), role: 'viewer' });
      const { identity, token: presented } = admission.credentials;
      const place = presented ? undefined : withoutToken.acquire(request.ip);
      if (!presented && !place) throw new WeirError('rateLimited', 'Too many sessions from this address.');
      try {
        const opened = await openWhepSession(context, admission, {
          room,
          name,
          sdp,
          signal,
        });
        const { session, sdp: answer, isCounterOffer } = opened;
        sessions.set(session.id, session);
        session.onEnd(() => sessions.delete(session.id));
        session.onEnd(() => place?.[Symbol.dispose]());
        const links = iceServerLinks(iceServers.for(identity));
        if (links.length > 0) reply.header('link', links);
        return reply
          .code(isCounterOffer ? 406 : 201)
          .type(SDP)
          .headers({ location: `${config.basePath}${SESSIONS}/${session.id}`, etag: session.entityTag })
          .headers({
            'accept-patch': isCounterOffer ? `${SDP}, ${SDP_FRAGMENT}` : SDP_FRAGMENT,
            'cache-control': 'no-store',
          })
          .send(answer);
      } catch (error) {
        place?.[Symbol.dispose]();
        throw error;
      }
    });
  });
}
