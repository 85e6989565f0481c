/** The routes of the signalling over HTTP, for clients that cannot open a WebSocket. */
import { setImmediate, setTimeout } from 'node:timers/promises';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { closeReasons } from '../../../shared/closeReasons.ts';
import {
  type Close,
  decodeFrame,
  httpSignallingPaths,
  MAX_HEADER_BYTES,
  PollRequest,
  type Refused,
  SendHeader,
} from '../../../shared/httpSignalling.ts';
import type { Config } from '../../config/Config.ts';
import { securityHeaders, sendProblemDetails } from '../../features/problems.ts';
import type { ConnectionAcceptor, Refusal } from '../ConnectionAcceptor.ts';
import { EventStreamSocket, eventStreamHeaders } from './EventStreamSocket.ts';
import { HttpSockets } from './HttpSockets.ts';
import { PollingSocket } from './PollingSocket.ts';

/** How long the responses that tell clients of the server's end may take, in milliseconds. */
const CLOSE_TIMEOUT = 1000;
/** HTTP statuses of refused connections. */
const refusals: Readonly<Record<Refusal, number>> = { originNotAllowed: 403, tooManyConnections: 429 };
/** Bodies are UTF-8. */
const decoder = new TextDecoder('utf-8', { fatal: true });

export interface HttpRoutesOptions {
  readonly acceptor: ConnectionAcceptor;
  readonly config: Config;
}

/** Serves `httpSignallingPaths`. */
export async function httpRoutes(app: FastifyInstance, { acceptor, config }: HttpRoutesOptions): Promise<void> {
  const { maxMessageBytes, messagesPerSecond: perSecond, messageBurst: burst } = config;
  const sockets = new HttpSockets({ maxMessageBytes, repeats: { perSecond, burst } });
  const responses = new Set<Promise<void>>();
  const limits = { bodyLimit: maxMessageBytes + MAX_HEADER_BYTES };

  /** The server closes when its clients have been told, or will not be. */
  const track = (reply: FastifyReply): Promise<void> => {
    const { promise, resolve } = Promise.withResolvers<void>();
    responses.add(promise);
    reply.raw.once('close', () => {
      responses.delete(promise);
      resolve();
    });
    return promise;
  };

  app.addContentTypeParser('text/plain', { parseAs: 'buffer' }, (_request, body, done) => done(null, body));
  app.addHook('onRequest', async (request, reply) => {
    // A page of another origin reads the reason only with this header. Nothing here depends on cookies.
    if (request.headers.origin !== undefined) allowReading(reply, request.headers.origin);
    reply.header('cache-control', 'no-store');
    if (!acceptor.allowsOrigin(request)) return refuse(reply, 'originNotAllowed');
    return undefined;
  });
  app.addHook('preClose', async () => {
    acceptor.close();
    await Promise.race([Promise.all(responses), setTimeout(CLOSE_TIMEOUT, undefined, { ref: false })]);
    sockets.close();
  });

  app.post(httpSignallingPaths.events, limits, (request, reply) => {
    const refusal = acceptor.accept(request, () => {
      void track(reply);
      return sockets.add((options) => new EventStreamSocket(startStream(request, reply), options));
    });
    if (refusal) refuse(reply, refusal);
  });

  app.post(httpSignallingPaths.poll, limits, async (request, reply) => {
    let after = 0;
    let socket: PollingSocket | undefined;
    if (request.body === undefined) {
      const refusal = acceptor.accept(request, () => {
        socket = sockets.add((options) => new PollingSocket(options));
        return socket;
      });
      if (refusal) return refuse(reply, refusal);
    } else {
      const frame = decodeFrame(bodyOf(request), PollRequest);
      if (!frame) return malformed(reply);
      const found = sockets.find(frame.header.id);
      if (found instanceof PollingSocket) socket = found;
      after = frame.header.after;
    }
    if (!socket) return unknown(reply);
    const gone = new AbortController();
    void track(reply).then(() => gone.abort());
    const frame = await socket.poll(after, gone.signal);
    if (frame !== undefined) return reply.type('text/plain; charset=utf-8').send(frame);
    return socket.closed
      ? refused(reply, 410, socket.closed)
      : sendProblemDetails(reply, 409, 'Another request waits.');
  });

  app.post(httpSignallingPaths.send, limits, async (request, reply) => {
    const frame = decodeFrame(bodyOf(request), SendHeader);
    if (!frame) return malformed(reply);
    const { id, number, repeated = 0, close } = frame.header;
    const socket = sockets.find(id);
    if (!socket) return unknown(reply);
    if (socket.closed) return refused(reply, 410, socket.closed);
    if (number !== undefined) {
      if (repeated > 0) socket.receive(number - 1, frame.messages.slice(0, repeated));
      socket.receive(number, frame.messages.slice(repeated));
    }
    if (close) {
      // What the client has asked for last begins before its connection ends.
      await setImmediate();
      socket.end(close);
    }
    return reply.code(204).send();
  });
}

/** @returns an empty text for a body that is none */
function bodyOf({ body }: FastifyRequest): string {
  if (!Buffer.isBuffer(body)) return '';
  try {
    return decoder.decode(body);
  } catch {
    return '';
  }
}

function allowReading(reply: FastifyReply, origin: string): void {
  reply.header('access-control-allow-origin', origin).header('vary', 'origin');
}

/** Sends the head of a response of which Fastify sends nothing. */
function startStream({ id, headers: { origin } }: FastifyRequest, reply: FastifyReply) {
  reply.hijack();
  return reply.raw.writeHead(200, {
    ...securityHeaders,
    'x-request-id': id,
    ...eventStreamHeaders,
    'cross-origin-resource-policy': origin === undefined ? 'same-origin' : 'cross-origin',
    ...(origin !== undefined && { 'access-control-allow-origin': origin, vary: 'origin' }),
  });
}

function refuse(reply: FastifyReply, refusal: Refusal): FastifyReply {
  return refused(reply, refusals[refusal], { code: closeReasons[refusal].code, reason: refusal });
}

function refused(reply: FastifyReply, status: number, close: Close): FastifyReply {
  const body: Refused = { close };
  return reply.code(status).send(body);
}

function unknown(reply: FastifyReply): FastifyReply {
  return sendProblemDetails(reply, 404, 'There is no connection of that id.');
}

function malformed(reply: FastifyReply): FastifyReply {
  return sendProblemDetails(reply, 400, 'The body has not the form that this path requires.');
}
