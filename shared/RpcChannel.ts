/**
 * The messages of one connection: requests, replies and events over any socket that carries text, the same on both ends.
 * Messages are parsed here and nowhere else.
 *
 * Wire format, one JSON object a message:
 *   request `{ id, method, data }`, reply `{ id, data }` or `{ id, error }`, event `{ event, data }`,
 *   and `{ error }` in answer to anything else.
 *
 * Incoming requests run in the order of a `RequestQueue`. A connection has a queue of its own until it is given another
 * one, which several connections of the same sender use one after another.
 */
import { z } from 'zod';
import { type ErrorCode, WeirError, WireError } from './errors.ts';
import { type Reply, RequestQueue } from './RequestQueue.ts';
import { validationSentence } from './validation.ts';

interface RequestSchemas {
  readonly about: string;
  readonly request: z.ZodType;
  readonly reply: z.ZodType;
}
interface EventSchemas {
  readonly about: string;
  readonly data: z.ZodType;
}

/** Every message that may be sent in one direction. */
export interface MessageSchemas {
  readonly requests: Readonly<Record<string, RequestSchemas>>;
  readonly events: Readonly<Record<string, EventSchemas>>;
}

type RequestSchema<T extends MessageSchemas> = T['requests'][Method<T>]['request'];
type EventSchema<T extends MessageSchemas> = T['events'][EventName<T>]['data'];
type Method<T extends MessageSchemas> = keyof T['requests'] & string;
type EventName<T extends MessageSchemas> = keyof T['events'] & string;
export type RequestData<T extends MessageSchemas, M extends Method<T>> = z.infer<T['requests'][M]['request']>;
export type ReplyData<T extends MessageSchemas, M extends Method<T>> = z.infer<T['requests'][M]['reply']>;
export type EventData<T extends MessageSchemas, E extends EventName<T>> = z.infer<T['events'][E]['data']>;

/** A function for each request. A missing one, or one that returns the wrong reply, does not compile. */
export type Handlers<T extends MessageSchemas> = {
  readonly [M in Method<T>]: (data: RequestData<T, M>) => ReplyData<T, M> | Promise<ReplyData<T, M>>;
};

/** A function for each event. Events without one are ignored. */
export type Listeners<T extends MessageSchemas> = {
  readonly [E in EventName<T>]?: (data: EventData<T, E>) => void;
};

export interface FailedRequest {
  readonly method: string;
  /** As in its error reply. */
  readonly requestId: string | undefined;
}

export interface RpcChannelOptions<Out extends MessageSchemas, In extends MessageSchemas> {
  /** What this side may send. */
  outgoing: Out;
  /** What the other side may send. */
  incoming: In;
  handlers: Handlers<In>;
  listeners?: Listeners<In>;
  /** Requests that run at once, outside the queue. */
  unordered?: readonly Method<In>[];
  /** Ignores events that are not in `incoming`: the other side may be newer. */
  ignoreUnknown?: boolean;
  /** Sends one message. */
  send(message: string): void;
  /** A malformed message was received, the `count`-th one. The other side has been sent the error. */
  onBadMessage?(error: WeirError, count: number): void;
  /** A request of the other side has failed. It is sent the error, without its cause. */
  onFailure?(error: WeirError, request: FailedRequest): void;
  /** What the other side may quote a request by, whose error replies have it. */
  requestId?(id: number): string;
  /** How long an outgoing request waits for its reply, in milliseconds. */
  requestTimeout?: number;
  /** The id of the first outgoing request. A channel that continues another one must not reuse its ids. */
  firstId?: number;
}

interface Pending {
  readonly method: string;
  readonly message: string;
  readonly schema: z.ZodType;
  readonly timeout: number;
  timer: ReturnType<typeof setTimeout> | undefined;
  /** How often it has been sent. */
  sends: number;
  resolve(data: unknown): void;
  reject(error: WeirError): void;
}

/** How long a request waits for its reply, in milliseconds. */
const REQUEST_TIMEOUT = 15_000;
/** How often a request is sent at most: once on each connection. */
const MAX_SENDS = 3;

const Id = z.int().min(0).max(0xffff_ffff);
const Envelope = z.union([
  z.strictObject({ id: Id, method: z.string().max(64), data: z.unknown().optional() }),
  z.strictObject({ event: z.string().max(64), data: z.unknown().optional() }),
  z.strictObject({ id: Id, error: WireError }),
  z.strictObject({ id: Id, data: z.unknown() }),
  z.strictObject({ error: WireError }),
]);

export class RpcChannel<Out extends MessageSchemas, In extends MessageSchemas> {
  readonly #options: RpcChannelOptions<Out, In>;
  readonly #pending = new Map<number, Pending>();
  #nextId: number;
  #badMessages = 0;
  /** Incoming requests. */
  #queue = new RequestQueue();
  #suspended = false;
  #closed = false;

  constructor(options: RpcChannelOptions<Out, In>) {
    this.#options = options;
    this.#nextId = options.firstId ?? 1;
  }

  /** The id of the next outgoing request. */
  get nextId(): number {
    return this.#nextId;
  }

  /**
   * Sends a request.
   * @param timeout how long to wait for the reply, in milliseconds; `requestTimeout` by default
   * @returns the reply
   * @throws {WeirError} the other side's error; `timeout`; `closed`; `badMessage` when the reply is malformed
   */
  request<M extends Method<Out>>(
    method: M,
    data: RequestData<Out, M>,
    timeout = this.#options.requestTimeout ?? REQUEST_TIMEOUT,
  ): Promise<ReplyData<Out, M>> {
    if (this.#closed) return Promise.reject(new WeirError('closed'));
    const schema = this.#options.outgoing.requests[method];
    if (!schema) return Promise.reject(new WeirError('unknownMethod'));
    const id = this.#nextId++;
    const { promise, resolve, reject } = Promise.withResolvers<unknown>();
    const message = JSON.stringify({ id, method, data });
    this.#pending.set(id, {
      method,
      message,
      schema: schema.reply,
      timeout,
      timer: undefined,
      sends: 0,
      resolve,
      reject,
    });
    if (!this.#suspended) this.#sendRequest(id);
    return promise.then((reply) => parse<Out['requests'][M]['reply']>(schema.reply, reply, 'badMessage'));
  }

  /** Sends an event. Does nothing after `close()` or `suspend()`. */
  notify<E extends EventName<Out>>(event: E, data: EventData<Out, E>): void {
    if (!this.#closed && !this.#suspended) this.#options.send(JSON.stringify({ event, data }));
  }

  /**
   * Handles one received message. It never throws: a malformed message is answered with an error.
   * @param refusal when given, a request gets it as its reply and does not run
   */
  receive(message: string, refusal?: WeirError): void {
    if (this.#closed) return;
    let json: unknown;
    try {
      json = JSON.parse(message);
    } catch {
      this.#rejectMessage('The message is not JSON.');
      return;
    }
    const envelope = Envelope.safeParse(json);
    if (!envelope.success) {
      this.#rejectMessage('The message is none of request, reply and event.');
      return;
    }
    const parsed = envelope.data;
    if ('method' in parsed && refusal) this.#sendReply(parsed.id, this.#failed(parsed.id, refusal));
    else if ('method' in parsed) this.#onRequest(parsed.id, parsed.method, parsed.data);
    else if ('event' in parsed) this.#dispatchEvent(parsed.event, parsed.data);
    else if ('id' in parsed) this.#onReply(parsed);
  }

  /**
   * The other side has said that its reply to the requests of this method takes its time: they have no timeout any more, until
   * they are sent on another connection, and may be sent on further ones.
   */
  keepWaiting(method: Method<Out>): void {
    for (const pending of this.#pending.values()) {
      if (pending.method !== method) continue;
      clearTimeout(pending.timer);
      pending.sends = 1;
    }
  }

  /** Runs requests in the order of `queue` from now on, those that wait already included. */
  useQueue(queue: RequestQueue): void {
    queue.merge(this.#queue);
    this.#queue = queue;
  }

  /** Sends nothing any more. Requests without a reply, and new ones, wait until `transferPending` moves them. */
  suspend(): void {
    this.#suspended = true;
    for (const { timer } of this.#pending.values()) clearTimeout(timer);
  }

  /** Takes over the requests that `former`, a suspended channel, has no reply to, and sends them. `former` closes. */
  transferPending(former: RpcChannel<Out, In>): void {
    for (const [id, pending] of former.#pending) {
      // This request itself may be what ends the connections.
      if (pending.sends >= MAX_SENDS) {
        pending.reject(new WeirError('closed', `The connection ended each time that ${pending.method} was sent.`));
        continue;
      }
      this.#pending.set(id, pending);
      this.#sendRequest(id);
    }
    former.#pending.clear();
    former.close();
    this.#nextId = Math.max(this.#nextId, former.#nextId);
  }

  /** Closes the channel: requests that wait for a reply fail with `closed`, and nothing is sent any more. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    for (const { timer, reject } of this.#pending.values()) {
      clearTimeout(timer);
      reject(new WeirError('closed'));
    }
    this.#pending.clear();
  }

  #sendRequest(id: number): void {
    const pending = this.#pending.get(id);
    if (!pending) return;
    pending.sends += 1;
    pending.timer = setTimeout(() => {
      this.#pending.delete(id);
      pending.reject(new WeirError('timeout', `No reply to ${pending.method} came in time.`));
    }, pending.timeout);
    this.#options.send(pending.message);
  }

  #rejectMessage(message: string): void {
    const error = new WeirError('badMessage', message);
    this.#options.send(JSON.stringify({ error: error.toWire() }));
    this.#options.onBadMessage?.(error, ++this.#badMessages);
  }

  #onRequest(id: number, method: string, data: unknown): void {
    const run = () => this.#run(id, method, data);
    const reply = (result: Reply) => this.#sendReply(id, result);
    if (this.#options.unordered?.some((name) => name === method)) void run().then(reply);
    else this.#queue.add({ id, isClosed: () => this.#closed, run, reply });
  }

  /** Runs the handler of a request. @returns its reply, which may be an error */
  async #run(id: number, method: string, data: unknown): Promise<Reply> {
    const { incoming, handlers, onFailure } = this.#options;
    try {
      const schemas = isMethod(incoming, method) ? incoming.requests[method] : undefined;
      const handler = isMethod(incoming, method) ? handlers[method] : undefined;
      if (!schemas || !handler) throw new WeirError('unknownMethod', `There is no request "${method}".`);
      return { data: await handler(parse<RequestSchema<In>>(schemas.request, data)) };
    } catch (error) {
      const known = WeirError.from(error);
      onFailure?.(known, { method, requestId: this.#options.requestId?.(id) });
      return this.#failed(id, known);
    }
  }

  #failed(id: number, error: WeirError): Reply {
    const requestId = this.#options.requestId?.(id);
    return { error: { ...error.toWire(), ...(requestId !== undefined && { requestId }) } };
  }

  #sendReply(id: number, reply: Reply): void {
    if (!this.#closed) this.#options.send(JSON.stringify({ id, ...reply }));
  }

  #dispatchEvent(event: string, data: unknown): void {
    const { incoming, listeners, ignoreUnknown } = this.#options;
    const schemas = isEvent(incoming, event) ? incoming.events[event] : undefined;
    if (!schemas) {
      if (!ignoreUnknown) this.#rejectMessage(`There is no event "${event}".`);
      return;
    }
    let parsed: z.infer<EventSchema<In>>;
    try {
      parsed = parse<EventSchema<In>>(schemas.data, data);
    } catch {
      this.#rejectMessage(`The data of the event "${event}" is malformed.`);
      return;
    }
    listeners?.[event]?.(parsed);
  }

  #onReply(reply: { id: number; error: WireError } | { id: number; data?: unknown }): void {
    const pending = this.#pending.get(reply.id);
    // A reply to a request that has timed out is not an error.
    if (!pending) return;
    this.#pending.delete(reply.id);
    clearTimeout(pending.timer);
    if ('error' in reply) pending.reject(WeirError.fromWire(reply.error));
    else pending.resolve(reply.data);
  }
}

function isMethod<T extends MessageSchemas>(table: T, name: string): name is Method<T> {
  return Object.hasOwn(table.requests, name);
}

function isEvent<T extends MessageSchemas>(table: T, name: string): name is EventName<T> {
  return Object.hasOwn(table.events, name);
}

/** Parses `data`. @throws {WeirError} of that code, with a message that names the first malformed field */
function parse<T extends z.ZodType>(schema: T, data: unknown, code: ErrorCode = 'badRequest'): z.infer<T> {
  const parsed = schema.safeParse(data);
  if (parsed.success) return parsed.data;
  throw new WeirError(code, validationSentence(parsed.error));
}
