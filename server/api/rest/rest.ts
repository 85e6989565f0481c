/** The REST API over HTTP, with its description for programs and for people. */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { WeirError } from '../../../shared/errors.ts';
import { errorStatus } from '../../features/errorStatus.ts';
import { sendProblemDetails } from '../../features/problems.ts';
import type { AdminAccess } from '../AdminAccess.ts';
import { bearerToken } from '../bearerToken.ts';
import type { Operations } from '../Operations.ts';
import { PreconditionFailed } from './Endpoint.ts';
import { endpoints } from './endpoints.ts';
import { openApi } from './openApi.ts';
import { reference, stylesheet } from './reference.ts';

export interface RestOptions {
  readonly access: AdminAccess;
  readonly operations: Operations;
  /** Such as `/meet`; empty where Weir is at the root of its host. */
  readonly basePath: string;
}

/** Under the base path. */
const PREFIX = '/api/v1';
/** Maximum body, in bytes: a data message of 64 KiB in base64, with its addressees. */
const BODY_LIMIT = 128 * 1024;

/**
 * `/api/v1/...`: the endpoints. `/api/v1/openapi.json` describes them (OpenAPI 3.1), `/api/v1` for people. Errors are problem
 * details (RFC 9457).
 */
export async function rest(app: FastifyInstance, { access, operations, basePath }: RestOptions): Promise<void> {
  app.removeContentTypeParser('text/plain');
  app.setErrorHandler((error, request, reply) => sendError(error, request, reply));
  const description = openApi(endpoints, `${basePath}${PREFIX}`);
  const document = JSON.stringify(description, undefined, 2);
  const page = reference(endpoints, `${basePath}${PREFIX}`);
  const sendOpen = (path: string, type: string, body: string) =>
    app.get(`${PREFIX}${path}`, async (_request, reply) => {
      access.assertOpen();
      return reply.type(type).header('cache-control', 'no-cache').send(body);
    });
  sendOpen('', 'text/html; charset=utf-8', page);
  sendOpen('/reference.css', 'text/css; charset=utf-8', stylesheet);
  sendOpen('/openapi.json', 'application/json; charset=utf-8', document);
  for (const path of new Set(endpoints.map((endpoint) => endpoint.path))) refuseMethods(app, path);
  for (const endpoint of endpoints) {
    const { method, path, status = 200 } = endpoint;
    app.route({
      method,
      url: `${PREFIX}${path}`,
      bodyLimit: BODY_LIMIT,
      handler: async (request, reply) => {
        const administrator = await access.authenticate(bearerToken(request.headers.authorization));
        const { body, entityTag, location } = await endpoint.handle(
          { operations, administrator },
          { address: addressOf(request), body: request.body, ifMatch: request.headers['if-match'] },
        );
        reply.code(status).header('cache-control', 'no-store');
        if (entityTag) reply.header('etag', entityTag);
        if (location) reply.header('location', `${basePath}${PREFIX}${location}`);
        return reply.send(body);
      },
    });
  }
}

/** Answers 405 to the methods that a path does not have. */
function refuseMethods(app: FastifyInstance, path: string): void {
  const own: string[] = endpoints.filter((endpoint) => endpoint.path === path).map(({ method }) => method);
  const allowed = own.flatMap((method) => (method === 'GET' ? ['GET', 'HEAD'] : [method])).join(', ');
  app.route({
    method: ['GET', 'POST', 'PUT', 'PATCH', 'DELETE'].filter((method) => !own.includes(method)),
    url: `${PREFIX}${path}`,
    handler: (_request, reply) => sendProblemDetails(reply.header('allow', allowed), 405, `This URL has ${allowed}.`),
  });
}

/** A parameter that the path has is not one of the query. @throws {WeirError} `badRequest` */
function addressOf({ params, query }: FastifyRequest): Record<string, unknown> {
  const [path, search] = [entriesOf(params), entriesOf(query)];
  const twice = Object.keys(search).find((name) => Object.hasOwn(path, name));
  if (twice !== undefined) throw new WeirError('badRequest', `The address has "${twice}" twice.`);
  return { ...search, ...path };
}

function entriesOf(value: unknown): Record<string, unknown> {
  return typeof value === 'object' && value !== null ? { ...value } : {};
}

/** Handles whatever an endpoint throws, and errors of Fastify, such as a body that is too large. */
function sendError(error: unknown, request: FastifyRequest, reply: FastifyReply): FastifyReply {
  if (error instanceof PreconditionFailed) {
    return sendProblemDetails(reply.header('etag', error.entityTag), 412, error.message);
  }
  if (isRequestError(error)) return sendProblemDetails(reply, error.statusCode, detailOf(error.statusCode));
  const { code, message, retryAfter } = WeirError.from(error);
  const status = errorStatus(code);
  if (status === 500) {
    request.log.error({ err: error, method: request.method, url: request.routeOptions.url }, 'request failed');
  }
  if (status === 401) reply.header('www-authenticate', 'Bearer');
  if (retryAfter !== undefined) reply.header('retry-after', String(Math.ceil(retryAfter)));
  return sendProblemDetails(reply, status, message);
}

/** Whether Fastify has thrown it about the request. */
function isRequestError(error: unknown): error is { readonly statusCode: number } {
  return (
    error instanceof Error && 'statusCode' in error && typeof error.statusCode === 'number' && error.statusCode < 500
  );
}

function detailOf(status: number): string {
  if (status === 413) return 'The body is too large.';
  if (status === 415) return 'The body has to be application/json.';
  return 'The request is malformed: the body has to be JSON.';
}
