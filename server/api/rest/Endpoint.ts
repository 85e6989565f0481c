/** One endpoint of the REST API: its schemas for the documentation, and how a request is handled by them. */
import { createHash } from 'node:crypto';
import { z } from 'zod';
import { WeirError } from '../../../shared/errors.ts';
import { validationSentence } from '../../../shared/validation.ts';
import { matchEntityTag } from '../../common/entityTag.ts';
import type { Administrator, Permission } from '../AdminAccess.ts';
import type { Operations } from '../Operations.ts';
import type { RoomRef } from '../schemas.ts';

/** What was sent, not checked yet. */
export interface RawRequest {
  /** Parameters of the path and of the query. */
  readonly address: Readonly<Record<string, unknown>>;
  readonly body: unknown;
  readonly ifMatch: string | undefined;
}

export interface HandlingContext {
  readonly operations: Operations;
  readonly administrator: Administrator;
}

/** What is answered. */
export interface Handled {
  readonly body: unknown;
  readonly entityTag: string | undefined;
  /** Under the address of the API. */
  readonly location: string | undefined;
}

/** The resource is not as the condition of a request has it. */
export class PreconditionFailed extends Error {
  override readonly name = 'PreconditionFailed';
  /** As it is. */
  readonly entityTag: string;

  constructor(entityTag: string) {
    super('It has been changed meanwhile: read it again, and decide anew.');
    this.entityTag = entityTag;
  }
}

export interface EndpointDescription {
  /** Unique. */
  readonly id: string;
  readonly summary: string;
  readonly method: 'GET' | 'POST' | 'PATCH' | 'DELETE';
  /** With its parameters as Fastify has them. */
  readonly path: string;
  readonly grant: Permission['grant'];
  /** Whether it takes `If-Match`. */
  readonly conditional?: boolean;
  /** Of the response; 200 by default. */
  readonly status?: number;
}

interface Definition<A extends z.ZodObject, B extends z.ZodType, R extends z.ZodType> extends EndpointDescription {
  /** Parameters of the path and of the query. */
  readonly address: A;
  /** `NoBody` for none. */
  readonly body: B;
  readonly reply?: R;
  /** The room that it is about, for the grant `roomAdmin`. */
  room?(address: z.output<A>): RoomRef;
  run(request: {
    readonly operations: Operations;
    readonly address: z.output<A>;
    readonly body: z.output<B>;
    /** @throws {PreconditionFailed} unless that state is the one which the request names */
    assertMatch(state: unknown): void;
  }): Promise<{ readonly body?: z.input<R>; readonly state?: unknown; readonly location?: string }>;
}

export interface Endpoint extends EndpointDescription {
  readonly address: z.ZodObject;
  readonly body: z.ZodType | undefined;
  readonly reply: z.ZodType | undefined;
  /** @throws {WeirError}, {PreconditionFailed} */
  handle(context: HandlingContext, request: RawRequest): Promise<Handled>;
}

/** The body of a request that has none. */
export const NoBody = z.undefined();

/** Makes an endpoint whose schemas are checked, whatever their types are. */
export function define<A extends z.ZodObject, B extends z.ZodType, R extends z.ZodType>(
  definition: Definition<A, B, R>,
): Endpoint {
  const { address, body, reply, room, run, ...description } = definition;
  return {
    ...description,
    address,
    body: isNoBody(body) ? undefined : body,
    reply,
    async handle({ operations, administrator }, request) {
      const parsedAddress = parse(address, withLists(address, request.address), 'The address');
      administrator.assertMay(permissionFor(description.grant, room?.(parsedAddress)));
      const result = await run({
        operations,
        address: parsedAddress,
        body: parse(body, request.body, 'The body'),
        assertMatch: (state) => assertMatch(request.ifMatch, entityTagOf(state)),
      });
      const entityTag = result.state === undefined ? undefined : entityTagOf(result.state);
      return { body: result.body, entityTag, location: result.location };
    },
  };
}

function permissionFor(grant: Permission['grant'], room: RoomRef | undefined): Permission {
  if (grant !== 'roomAdmin') return { grant };
  if (!room) throw new TypeError('An endpoint with the grant roomAdmin is about a room.');
  return { grant, room };
}

/** A parameter that may be given several times is a list, also if it is given once. */
function withLists({ shape }: z.ZodObject, values: RawRequest['address']): RawRequest['address'] {
  const entries = Object.entries(values).map(([name, value]) => {
    return [name, typeof value === 'string' && isList(shape[name]) ? [value] : value];
  });
  return Object.fromEntries(entries);
}

function isList(schema: unknown): boolean {
  return schema instanceof z.ZodOptional ? isList(schema.unwrap()) : schema instanceof z.ZodArray;
}

function isNoBody(schema: z.ZodType): boolean {
  return schema instanceof z.ZodUndefined;
}

/** @throws {WeirError} `badRequest` */
function parse<T extends z.ZodType>(schema: T, value: unknown, subject: string): z.output<T> {
  const parsed = schema.safeParse(value);
  if (!parsed.success) throw new WeirError('badRequest', validationSentence(parsed.error, subject));
  return parsed.data;
}

/** @throws {PreconditionFailed} */
function assertMatch(ifMatch: string | undefined, current: string): void {
  if (matchEntityTag(ifMatch, current) === 'mismatch') throw new PreconditionFailed(current);
}

function entityTagOf(state: unknown): string {
  return `"${createHash('sha256').update(JSON.stringify(state)).digest('base64url').slice(0, 22)}"`;
}
