/** The description of the REST API as an OpenAPI 3.1 document, from the schemas that requests are checked with. */
import { z } from 'zod';
import type { Endpoint } from './Endpoint.ts';

/** JSON Schema, as far as this file looks into it. */
type JsonSchema = { readonly [key: string]: unknown };

const PROBLEM = {
  type: 'object',
  description: 'RFC 9457',
  properties: {
    type: { type: 'string' },
    title: { type: 'string' },
    status: { type: 'integer' },
    detail: { type: 'string', description: 'what is wrong, and what to do' },
  },
};

const DESCRIPTION =
  'Rooms, participants, tracks and data of a Weir server. Each request has a token (JWT, HS256) that is signed with a key of the server and has the grant that the operation names.';

/** @param url of the API, relative to the server */
export function openApi(endpoints: readonly Endpoint[], url: string): object {
  const schemas: Record<string, JsonSchema> = { Problem: PROBLEM };
  const paths: Record<string, Record<string, object>> = {};
  for (const endpoint of endpoints) {
    const path = endpoint.path.replace(/:(\w+)/g, '{$1}');
    paths[path] = { ...paths[path], [endpoint.method.toLowerCase()]: operationOf(endpoint, schemas) };
  }
  return {
    openapi: '3.1.0',
    info: { title: 'Weir', version: '1', description: DESCRIPTION },
    servers: [{ url }],
    security: [{ token: [] }],
    paths,
    components: {
      schemas,
      securitySchemes: { token: { type: 'http', scheme: 'bearer', bearerFormat: 'JWT' } },
    },
  };
}

/** @param schemas to which those that have an id are added */
function operationOf(endpoint: Endpoint, schemas: Record<string, JsonSchema>): object {
  const { id, summary, body, reply, status = 200, conditional, grant } = endpoint;
  const content = reply && { 'application/json': { schema: toSchema(reply, 'output', schemas) } };
  return {
    operationId: id,
    summary,
    description: `Needs the grant \`${grant}\`.`,
    parameters: [...parametersOf(endpoint, schemas), ...(conditional ? [IF_MATCH] : [])],
    ...(body && {
      requestBody: { required: true, content: { 'application/json': { schema: toSchema(body, 'input', schemas) } } },
    }),
    responses: {
      [status]: { description: status === 204 ? 'Done.' : 'The result.', ...(content && { content }) },
      default: {
        description: 'It was refused, or has failed.',
        content: { 'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' } } },
      },
    },
  };
}

const IF_MATCH = {
  name: 'If-Match',
  in: 'header',
  description: 'The `ETag` of the state that the change is for: 412 if it is another one meanwhile.',
  schema: { type: 'string' },
};

/** Parameters of the path are required; those of the query have defaults, or may be missing. */
function parametersOf({ path, address }: Endpoint, schemas: Record<string, JsonSchema>): object[] {
  const inPath = new Set([...path.matchAll(/:(\w+)/g)].map(([, name]) => name));
  return Object.entries(address.shape).map(([name, schema]) => ({
    name,
    in: inPath.has(name) ? 'path' : 'query',
    required: inPath.has(name),
    schema: toSchema(schema, 'input', schemas),
  }));
}

/** A schema in JSON Schema; those that have an id are referred to. */
function toSchema(schema: z.core.$ZodType, io: 'input' | 'output', schemas: Record<string, JsonSchema>): unknown {
  const { $schema: _dialect, $defs = {}, ...json } = z.toJSONSchema(schema, { io, unrepresentable: 'any' });
  for (const [id, { $schema: _inner, ...definition }] of Object.entries($defs)) {
    schemas[id] ??= asRecord(withReferences(definition));
  }
  const { id } = json;
  const own = withReferences(json);
  if (typeof id !== 'string') return own;
  schemas[id] ??= asRecord(own);
  return { $ref: `#/components/schemas/${id}` };
}

/** With references into the document in place of those into the schema. */
function withReferences(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withReferences);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).flatMap(([key, inner]): [string, unknown][] => {
      if (key === 'id') return [];
      if (key !== '$ref' || typeof inner !== 'string') return [[key, withReferences(inner)]];
      return [[key, inner.replace(/^#\/\$defs\//, '#/components/schemas/')]];
    }),
  );
}

function asRecord(value: unknown): JsonSchema {
  return typeof value === 'object' && value !== null ? { ...value } : {};
}
