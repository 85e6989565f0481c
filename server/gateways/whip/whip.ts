/** WHIP (RFC 9725): encoders such as OBS publish into a room with one HTTP request. */
import type { FastifyInstance } from 'fastify';
import { z } from 'zod';
import { DisplayName } from '../../../shared/participants.ts';
import { type SdpEndpointContext, sdpEndpoint } from '../http/sdpEndpoint.ts';
import { openWhipSession, type WhipContext } from './openWhipSession.ts';

/** An encoder's offers per second from one network, and at once: those that have lost their connection come back together. */
const OFFERS = { perSecond: 10, burst: 50 };

/** What the address says besides the room; other parameters are left to the client. */
const Query = z.object({
  kind: z.enum(['call', 'broadcast']).default('call'),
  name: DisplayName.optional(),
  source: z.enum(['camera', 'screen']).default('camera'),
});

/** `POST /whip/<room>?kind=&name=&source=` with an offer that sends: 201 with the answer, see `sdpEndpoint`. */
export async function whip(app: FastifyInstance, options: SdpEndpointContext): Promise<void> {
  const { config, rooms, access } = options;
  const { roomPolicy, maxIncomingBitrate } = config;
  const context: WhipContext = { rooms, access, roomPolicy, maxIncomingBitrate };
  sdpEndpoint(app, options, {
    path: '/whip',
    role: 'speaker',
    query: Query,
    offers: OFFERS,
    answerGet: (reply) => reply.code(204),
    open: ({ admission, room, query, signal }, sdp) => {
      const { name, source } = query;
      return openWhipSession(context, admission, { room, name, source, sdp, signal });
    },
  });
}
