/** WHEP (draft-ietf-wish-whep-04): players receive a call or a broadcast with one or two HTTP requests. */
import type { FastifyInstance } from 'fastify';
import type { Logger } from 'pino';
import { z } from 'zod';
import { DisplayName } from '../../../shared/participants.ts';
import { canMapSentRtp } from '../../media/sendRtpMapping.ts';
import { type SdpEndpointContext, sdpEndpoint } from '../http/sdpEndpoint.ts';
import { SDP } from '../http/sessionRoutes.ts';
import type { ViewerContext } from '../openViewer.ts';
import { openWhepSession, type WhepContext } from './openWhepSession.ts';

export interface WhepOptions extends SdpEndpointContext, ViewerContext {
  readonly log: Logger;
}

/** A player's offers per second from one network, and at once: an office that watches comes at once. */
const OFFERS = { perSecond: 20, burst: 200 };

const Query = z.object({ kind: z.enum(['call', 'broadcast']).default('call'), name: DisplayName.optional() });

/**
 * `POST /whep/<room>?kind=&name=` with an offer that receives: 201 with an answer, or 406 with a counter-offer, which the player
 * answers by `PATCH` of its session, see `sdpEndpoint`. 409 with `Retry-After` while nothing is live.
 */
export async function whep(app: FastifyInstance, options: WhepOptions): Promise<void> {
  const { config, rooms, audios, log } = options;
  const { maxIncomingBitrate } = config;
  const answersOffers = await canMapSentRtp();
  if (!answersOffers) {
    log.warn(
      'WHEP players get counter-offers, which few can answer: the media worker cannot send with their numbers (docs/whep.md).',
    );
  }
  const context: WhepContext = { rooms, audios, maxIncomingBitrate, answersOffers };
  sdpEndpoint(app, options, {
    path: '/whep',
    role: 'viewer',
    query: Query,
    offers: OFFERS,
    // By its content type players recognize a WHEP endpoint.
    answerGet: (reply) => reply.code(200).type(SDP),
    open: ({ admission, room, query, signal }, sdp) =>
      openWhepSession(context, admission, { room, name: query.name, sdp, signal }),
  });
}
