/** The URLs of sessions, the same for WHIP (RFC 9725, section 4.3) and WHEP: trickle, ICE restart, and the end. */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { WeirError } from '../../../shared/errors.ts';
import { matchEntityTag } from '../../common/entityTag.ts';
import { PrefixRateLimit } from '../../common/PrefixRateLimit.ts';
import { sendProblemDetails } from '../../features/problems.ts';
import { parseIceFragment } from '../sdp/iceFragment.ts';
import { answerOptions } from './crossOrigin.ts';
import type { GatewaySession } from './GatewaySession.ts';
import { bindLog, isMediaType, refuseMethods } from './requests.ts';

export const SDP = 'application/sdp';
export const SDP_FRAGMENT = 'application/trickle-ice-sdpfrag';

/** Sessions by the id in their URL. */
export type Sessions = ReadonlyMap<string, GatewaySession>;
type SessionRequest = FastifyRequest<{ Params: { id: string } }>;

const METHODS = 'OPTIONS, GET, HEAD, PATCH, DELETE';
/** Requests per second to sessions from one network, and at once: an office of players sends its candidates one by one. */
const REQUESTS = { perSecond: 50, burst: 300 };

/** What a session takes by PATCH (RFC 5789, section 3.1): fragments, and the answer where the server has made an offer. */
export function patchTypes(session: GatewaySession | undefined): { readonly 'accept-patch': string } {
  return { 'accept-patch': session?.takesAnswer ? `${SDP}, ${SDP_FRAGMENT}` : SDP_FRAGMENT };
}

/** Bodies of all requests are texts. Routes refuse other types than theirs with 415, which says what they take. */
export function acceptSdp(app: FastifyInstance): void {
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('*', { parseAs: 'string' }, (_request, body, done) => done(null, body));
}

/**
 * Serves `<path>/:id`. Whoever knows the URL of a session may use it, without a token: it has 256 random bits, and outlives the
 * token that opened it.
 */
export function sessionRoutes(app: FastifyInstance, path: string, sessions: Sessions): void {
  const url = `${path}/:id`;
  const rate = new PrefixRateLimit(REQUESTS);
  const sessionOf = (request: SessionRequest): GatewaySession => {
    if (!rate.tryTake(request.ip)) throw new WeirError('rateLimited', 'Too many requests from this network.');
    const session = sessions.get(request.params.id);
    if (!session) throw new WeirError('notFound', 'There is no such session, or it has ended.');
    bindLog(request, { ...session.ids });
    return session;
  };
  // Of a session that does not exist too: a browser that is refused here could not tell that it has ended.
  app.options(url, (request: SessionRequest, reply) =>
    answerOptions(request, reply, METHODS, patchTypes(sessions.get(request.params.id))),
  );
  app.get(url, (request: SessionRequest, reply) => {
    sessionOf(request);
    return reply.code(204).send();
  });
  app.delete(url, (request: SessionRequest, reply) => {
    sessionOf(request).close();
    return reply.code(200).send();
  });
  app.patch(url, (request: SessionRequest, reply) => patch(sessionOf(request), request, reply));
  refuseMethods(app, url, METHODS);
}

/** RFC 9725, sections 4.3.1 to 4.3.3. */
async function patch(session: GatewaySession, request: SessionRequest, reply: FastifyReply): Promise<FastifyReply> {
  const { headers, body } = request;
  if (session.takesAnswer && isMediaType(headers['content-type'], SDP) && typeof body === 'string') {
    await session.answer(body);
    return reply.code(204).send();
  }
  if (!isMediaType(headers['content-type'], SDP_FRAGMENT) || typeof body !== 'string') {
    const accepted = patchTypes(session);
    return sendProblemDetails(reply.headers(accepted), 415, `The body must be one of: ${accepted['accept-patch']}.`);
  }
  const { ice } = parseIceFragment(body);
  const match = matchEntityTag(headers['if-match'], session.entityTag);
  if (match === 'missing') {
    return sendProblemDetails(reply, 428, 'If-Match is missing: the ETag of the session, or * for an ICE restart.');
  }
  if (match === 'mismatch')
    return sendProblemDetails(reply, 412, 'If-Match names another ICE session than the current one.');
  // Candidates: the server is a lite agent, and learns them from the checks.
  if (!ice || !session.isRestart(ice)) return reply.code(204).send();
  const fragment = await session.restartIce(ice);
  return reply.code(200).header('etag', session.entityTag).type(SDP_FRAGMENT).send(fragment);
}
