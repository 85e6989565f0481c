/** What the gateways read of HTTP requests, and how they refuse methods that they do not have. */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { z } from 'zod';
import { WeirError } from '../../../shared/errors.ts';
import { validationSentence } from '../../../shared/validation.ts';
import { sendProblemDetails } from '../../features/problems.ts';

/** Whether a Content-Type is that media type, with any parameters. */
export function isMediaType(contentType: string | undefined, mediaType: string): boolean {
  return contentType?.split(';', 1)[0]?.trim().toLowerCase() === mediaType;
}

/** The token of `Authorization: Bearer` (RFC 6750, section 2.1). */
export function bearerToken({ headers }: FastifyRequest): string | undefined {
  return /^Bearer +(\S+)$/i.exec(headers.authorization?.trim() ?? '')?.[1];
}

/** A part of the address. @throws {WeirError} `badRequest` */
export function parseAddress<T extends z.ZodType>(schema: T, value: unknown): z.infer<T> {
  const parsed = schema.safeParse(value);
  if (!parsed.success) throw new WeirError('badRequest', validationSentence(parsed.error, 'The address'));
  return parsed.data;
}

/** Every line of the log about this request has these ids from now on. */
export function bindLog(request: FastifyRequest, ids: { room?: string; identity?: string; peer?: string }): void {
  request.log = request.log.child(ids);
}

/** Aborted when the client has gone before it has the response. */
export function signalOf({ raw }: FastifyReply): AbortSignal {
  const aborter = new AbortController();
  raw.once('close', () => {
    if (!raw.writableFinished) aborter.abort();
  });
  return aborter.signal;
}

const changing = ['POST', 'PUT', 'PATCH', 'DELETE'] as const;

/** Answers 405 to all methods that a URL does not have. @param allowed as in the header `Allow` */
export function refuseMethods(app: FastifyInstance, url: string, allowed: string): void {
  const method = changing.filter((one) => !allowed.split(', ').includes(one));
  app.route({
    method,
    url,
    handler: (_request, reply) => sendProblemDetails(reply.header('allow', allowed), 405, `This URL has ${allowed}.`),
  });
}
