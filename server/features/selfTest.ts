/** The self-test over HTTP: for the operator, who asks with `npm run doctor`. */
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { WeirError } from '../../shared/errors.ts';
import { unauthorized, type VerifyOptions, verifyToken } from '../auth/tokens.ts';
import type { SelfTest } from '../ice/SelfTest.ts';
import { sendProblemDetails } from './problems.ts';

export interface SelfTestRouteOptions {
  readonly selfTest: SelfTest;
  /** How tokens are verified; undefined on an open server. */
  readonly verify: VerifyOptions | undefined;
}

/**
 * `GET /api/self-test`: 200 with a `SelfTestReport`, after some seconds. 401 without `Authorization: Bearer <token>` of the
 * server's key with the grant `roomAdmin` and without a room: administrators of a room are not those of the server. On an
 * open server, 403 for requests that do not come from this machine.
 */
export async function selfTestRoute(app: FastifyInstance, { selfTest, verify }: SelfTestRouteOptions): Promise<void> {
  app.get('/api/self-test', async (request, reply) => {
    if (verify) {
      try {
        await admit(request, verify);
      } catch (error) {
        const { message } = WeirError.from(error);
        return sendProblemDetails(reply.header('www-authenticate', 'Bearer'), 401, message);
      }
    } else if (!isLocal(request)) {
      return sendProblemDetails(reply, 403, 'Only this machine itself may ask an open server for a self-test.');
    }
    return reply.header('cache-control', 'no-store').send(await selfTest.run());
  });
}

/** @throws {WeirError} `unauthorized` */
async function admit({ headers }: FastifyRequest, verify: VerifyOptions): Promise<void> {
  const token = /^Bearer (.+)$/.exec(headers.authorization ?? '')?.[1];
  if (token === undefined) throw unauthorized('A token is required; none was sent.', 'missing');
  const { video } = await verifyToken(token, verify);
  if (video.roomAdmin !== true || video.room !== undefined) {
    throw unauthorized('The token needs the grant roomAdmin, and must not be for one room.', 'invalid');
  }
}

/** Whether a request comes from this machine, and not through a proxy on it or from a page in a browser. */
function isLocal({ headers, socket }: FastifyRequest): boolean {
  const { remoteAddress = '', localAddress } = socket;
  const isOwn = /^(::ffff:)?127\.|^::1$/.test(remoteAddress) || remoteAddress === localAddress;
  return isOwn && !foreignHeaders.some((name) => headers[name] !== undefined);
}

/** What proxies and browsers add. */
const foreignHeaders = [
  'forwarded',
  'x-forwarded-for',
  'x-forwarded-host',
  'x-forwarded-proto',
  'via',
  'origin',
  'referer',
  'sec-fetch-site',
];
