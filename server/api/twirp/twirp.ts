/** LiveKit's RoomService over HTTP: Twirp, with JSON or protobuf. */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { AdminAccess } from '../AdminAccess.ts';
import { bearerToken } from '../bearerToken.ts';
import type { Operations } from '../Operations.ts';
import { roomService } from './roomService.ts';
import { TwirpError } from './TwirpError.ts';

export interface TwirpOptions {
  readonly access: AdminAccess;
  readonly operations: Operations;
}

/** Maximum body, in bytes: a data message of 64 KiB in base64, with its addressees. */
const BODY_LIMIT = 128 * 1024;
const JSON_TYPE = 'application/json';
const PROTOBUF_TYPE = 'application/protobuf';

/** Methods that LiveKit has and Weir does not. */
const unimplemented: ReadonlySet<string> = new Set(['ForwardParticipant', 'MoveParticipant', 'PerformRpc']);

/**
 * `POST /twirp/livekit.RoomService/<method>`: 200 with the reply in the form of the request. An error has `code` and `msg`, in
 * JSON in both cases.
 */
export async function twirp(app: FastifyInstance, { access, operations }: TwirpOptions): Promise<void> {
  app.removeAllContentTypeParsers();
  app.addContentTypeParser(JSON_TYPE, { parseAs: 'string' }, (_request, body, done) => done(null, { json: body }));
  app.addContentTypeParser(PROTOBUF_TYPE, { parseAs: 'buffer' }, (_request, body, done) =>
    done(null, { binary: body }),
  );
  app.setErrorHandler((error, request, reply) => sendError(error, request, reply));
  app.post<{ Params: { method: string } }>(
    '/twirp/livekit.RoomService/:method',
    { bodyLimit: BODY_LIMIT },
    async (request, reply) => {
      const administrator = await access.authenticate(bearerToken(request.headers.authorization));
      const { method } = request.params;
      const run = roomService.get(method);
      if (!run) throw unknownMethod(method);
      const message = await run({ operations, administrator }, readBody(request.body));
      reply.header('cache-control', 'no-store');
      return isBinary(request.body)
        ? reply.header('content-type', PROTOBUF_TYPE).send(Buffer.from(message.toBinary()))
        : reply.header('content-type', JSON_TYPE).send(Buffer.from(message.toJsonString(JSON_FORM)));
    },
  );
}

/** As LiveKit writes it. */
const JSON_FORM = { emitDefaultValues: true, useProtoFieldName: true };

type Body = { readonly json: string } | { readonly binary: Buffer };

/** @throws {TwirpError} `malformed` */
function readBody(body: unknown): Body {
  if (isBinary(body)) return body;
  if (typeof body === 'object' && body !== null && 'json' in body && typeof body.json === 'string') {
    return { json: body.json };
  }
  throw new TwirpError('malformed', 'The request has no body; send {} where a method needs nothing.');
}

function isBinary(body: unknown): body is { readonly binary: Buffer } {
  return typeof body === 'object' && body !== null && 'binary' in body && Buffer.isBuffer(body.binary);
}

function unknownMethod(method: string): TwirpError {
  if (unimplemented.has(method)) return new TwirpError('unimplemented', 'Weir does not have this method.');
  return new TwirpError('bad_route', 'The service livekit.RoomService has no such method.');
}

/** Handles whatever the route throws, and errors of Fastify, such as a body that is too large. */
function sendError(error: unknown, request: FastifyRequest, reply: FastifyReply): FastifyReply {
  const reported = reportedBy(error) ?? TwirpError.from(error);
  if (reported.code === 'internal') {
    request.log.error({ err: error, method: request.method, url: request.routeOptions.url }, 'request failed');
  }
  // Exactly this content type: LiveKit's SDK reads errors of no other.
  return reply
    .code(reported.status)
    .header('content-type', JSON_TYPE)
    .header('cache-control', 'no-store')
    .send(Buffer.from(reported.body));
}

/** The error for one of Fastify itself about the request. */
function reportedBy(error: unknown): TwirpError | undefined {
  if (!(error instanceof Error) || !('statusCode' in error)) return undefined;
  if (error.statusCode === 413) return new TwirpError('resource_exhausted', 'The body is too large.');
  if (error.statusCode === 415) {
    return new TwirpError('bad_route', `The content type has to be ${JSON_TYPE} or ${PROTOBUF_TYPE}.`);
  }
  return typeof error.statusCode === 'number' && error.statusCode < 500
    ? new TwirpError('malformed', 'The request is malformed.')
    : undefined;
}
