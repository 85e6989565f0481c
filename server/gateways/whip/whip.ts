/** WHIP (RFC 9725): encoders such as OBS publish into a room with one HTTP request. */
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { z } from 'zod';
import { WeirError } from '../../../shared/errors.ts';
import { DisplayName, RoomName } from '../../../shared/participants.ts';
import { ConnectionLimit } from '../../common/ConnectionLimit.ts';
import { PrefixRateLimit } from '../../common/PrefixRateLimit.ts';
import type { Config } from '../../config/Config.ts';
import { sendProblemDetails } from '../../features/problems.ts';
import type { IceServers } from '../../ice/IceServers.ts';
import { answerCrossOrigin, answerOptions } from '../http/crossOrigin.ts';
import type { GatewaySession } from '../http/GatewaySession.ts';
import { sendGatewayError } from '../http/gatewayErrors.ts';
import { iceServerLinks } from '../http/iceServerLinks.ts';
import { bearerToken, isMediaType, parseAddress, refuseMethods, signalOf } from '../http/requests.ts';
import { acceptSdp, SDP, SDP_FRAGMENT, sessionRoutes } from '../http/sessionRoutes.ts';
import { openWhipSession, type WhipContext } from './openWhipSession.ts';

export interface WhipOptions extends Pick<WhipContext, 'rooms' | 'access'> {
  readonly config: Config;
  readonly iceServers: IceServers;
}

type OfferRequest = FastifyRequest<{ Params: { room: string } }>;

const ENDPOINT = '/whip/:room';
const SESSIONS = '/whip/sessions';
const METHODS = 'OPTIONS, GET, HEAD, POST';
const ACCEPTS = { 'accept-post': SDP };
/** Offers per second from one network, and at once: encoders that have lost their connection come back together. */
const OFFERS = { perSecond: 10, burst: 50 };

/** What the address says besides the room; other parameters are left to the client. */
const Query = z.object({
  kind: z.enum(['call', 'broadcast']).default('call'),
  name: DisplayName.optional(),
  source: z.enum(['camera', 'screen']).default('camera'),
});

/**
 * `POST /whip/<room>?kind=&name=&source=` with an SDP offer: 201 with the answer, `Location` of the session, `ETag`, and a
 * `Link` for each ICE server. `PATCH` and `DELETE` are for the session, see `sessionRoutes`.
 */
export async function whip(app: FastifyInstance, { config, rooms, access, iceServers }: WhipOptions): Promise<void> {
  const { roomPolicy, maxIncomingBitrate, basePath } = config;
  const context: WhipContext = { rooms, access, roomPolicy, maxIncomingBitrate };
  const sessions = new Map<string, GatewaySession>();
  const rate = new PrefixRateLimit(OFFERS);
  // Whoever has a token is limited by the room: it has one member an identity.
  const withoutToken = new ConnectionLimit(config.maxConnectionsPerIp);

  app.setErrorHandler(sendGatewayError);
  answerCrossOrigin(app, config);
  acceptSdp(app);

  app.options(ENDPOINT, (request, reply) => answerOptions(request, reply, METHODS, ACCEPTS));
  app.get(ENDPOINT, (_request, reply) => reply.code(204).send());
  refuseMethods(app, ENDPOINT, METHODS);
  sessionRoutes(app, SESSIONS, sessions);

  app.post(ENDPOINT, async (request: OfferRequest, reply) => {
    if (!rate.tryTake(request.ip)) throw new WeirError('rateLimited', 'Too many offers from this network.');
    const { body: sdp } = request;
    if (!isMediaType(request.headers['content-type'], SDP) || typeof sdp !== 'string') {
      return sendProblemDetails(reply.headers(ACCEPTS), 415, `The body must be an offer: ${SDP}.`);
    }
    const room = parseAddress(RoomName, request.params.room);
    const { kind, name, source } = parseAddress(Query, request.query);
    const signal = signalOf(reply);
    return rooms.refusals.watch(room, kind, async () => {
      const admission = await access.admit({ room, kind, token: bearerToken(request), role: 'speaker' });
      const { identity, token: presented } = admission.credentials;
      const place = presented ? undefined : withoutToken.acquire(request.ip);
      if (!presented && !place) throw new WeirError('rateLimited', 'Too many sessions from this address.');
      try {
        const { session, answer } = await openWhipSession(context, admission, {
          room,
          name,
          source,
          sdp,
          signal,
        });
        sessions.set(session.id, session);
        session.onEnd(() => sessions.delete(session.id));
        session.onEnd(() => place?.[Symbol.dispose]());
        const links = iceServerLinks(iceServers.for(identity));
        if (links.length > 0) reply.header('link', links);
        return reply
          .code(201)
          .type(SDP)
          .headers({ location: `${basePath}${SESSIONS}/${session.id}`, etag: session.entityTag })
          .headers({ 'accept-patch': SDP_FRAGMENT, 'cache-control': 'no-store' })
          .send(answer);
      } catch (error) {
        place?.[Symbol.dispose]();
        throw error;
      }
    });
  });
}
