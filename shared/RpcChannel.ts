/**
 * Owns one connection's messages: request, reply and event over any socket that carries text, the same on both ends.
 * It is the only place where a message is parsed.
 *
 * Wire form, one JSON object a message:
 *   request `{ id, method, data }`, reply `{ id, data }` or `{ id, error }`, event `{ event, data }`,
 *   and `{ error }` in answer to what is none of these.
 *
 * Requests are handled one at a time, in the order in which they came: a client may send a second one that builds on
 * the first without waiting for its reply. Those that build on nothing (`unordered`) do not wait for the others.
 */
import { z } from 'zod';
import { type ErrorCode, WeirError, WireError } from './errors.ts';
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

/** All that may be sent in one direction. */
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

/** One function a request; a missing one, or one that returns the wrong reply, does not compile. */
export type Handlers<T extends MessageSchemas> = {
  readonly [M in Method<T>]: (data: RequestData<T, M>) => ReplyData<T, M> | Promise<ReplyData<T, M>>;
};

/** One function an event; those that are missing are ignored. */
export type Listeners<T extends MessageSchemas> = {
  readonly [E in EventName<T>]?: (data: EventData<T, E>) => void;
};

export interface RpcChannelOptions<Out extends MessageSchemas, In extends MessageSchemas> {
  /** What this side may send. */
  outgoing: Out;
  /** What the other side may send. */
  incoming: In;
  handlers: Handlers<In>;
  listeners?: Listeners<In>;
  /** Requests of the other side that are answered at once, whatever is under way. */
  unordered?: readonly Method<In>[];
  /** Ignore events that are not in `incoming`: the other side may be newer than we are. */
  ignoreUnknown?: boolean;
  /** Puts one message on the wire. */
  send(message: string): void;
  /** A message that is not of this protocol came, for the `count`-th time; the other side has been told. */
  onBadMessage?(error: WeirError, count: number): void;
  /** A handler failed with something that is not public; the other side was told `internal`. */
  onFailure?(error: unknown, method: string): void;
  /** How long a request of ours waits for its reply, in milliseconds. */
  requestTimeout?: number;
  /** The id of our first request; a channel that takes over from another goes on with its ids. */
  firstId?: number;
}

type Reply = { data: unknown } | { error: WireError };

/**
 * What the connections of one peer share, one after another, so that each request runs once, and one at a time: what was
 * answered to the latest requests, by id; a request that is under way has a promise here.
 */
export class ReplyCache extends Map<number, Promise<Reply>> {
  /** The latest of them; a former connection's may be under way still. */
  latest: Promise<unknown> = Promise.resolve();
}

interface Pending {
  readonly method: string;
  readonly message: string;
  readonly schema: z.ZodType;
  readonly timeout: number;
  timer: ReturnType<typeof setTimeout> | undefined;
  /** How often it was sent. */
  sends: number;
  resolve(data: unknown): void;
  reject(error: WeirError): void;
}

/** So many requests of one connection may wait for their turn. */
const MAX_WAITING = 256;
/** How long a request waits for its reply, in milliseconds. */
const REQUEST_TIMEOUT = 15_000;
/** So often a request is sent at most, once a connection. */
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
  #waiting = 0;
  #lastRequest: Promise<void> = Promise.resolve();
  #replies: ReplyCache | undefined;
  /** Those of connections before this one. */
  #formerReplies: ReadonlyMap<number, Promise<Reply>> = new Map();
  #suspended = false;
  #closed = false;

  constructor(options: RpcChannelOptions<Out, In>) {
    this.#options = options;
    this.#nextId = options.firstId ?? 1;
  }

  /** The id that our next request will have. */
  get nextId(): number {
    return this.#nextId;
  }

  /**
   * Asks the other side.
   * @param timeout how long it waits for its reply, in milliseconds, where that is not `requestTimeout`
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

  /** Tells the other side. After `close()` it does nothing. */
  notify<E extends EventName<Out>>(event: E, data: EventData<Out, E>): void {
    if (!this.#closed && !this.#suspended) this.#options.send(JSON.stringify({ event, data }));
  }

  /**
   * Takes one message from the wire. It never throws: what is wrong is answered.
   * @param refusal when given, a request is answered with it instead of being handled
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
    if ('method' in parsed && refusal) this.#sendReply(parsed.id, { error: refusal.toWire() });
    else if ('method' in parsed) this.#onRequest(parsed.id, parsed.method, parsed.data);
    else if ('event' in parsed) this.#dispatchEvent(parsed.event, parsed.data);
    else if ('id' in parsed) this.#onReply(parsed);
  }

  /**
   * From now on every request runs once, also when it is sent again over another channel with the same `answers`: the
   * second time it is given the answer of the first. None begins before those of former channels have ended.
   */
  deduplicate(answers: ReplyCache): void {
    this.#replies = answers;
    this.#formerReplies = new Map(answers);
  }

  /** Nothing is sent any more, and nothing is lost: requests, and new ones, wait until a channel takes over. */
  suspend(): void {
    this.#suspended = true;
    for (const { timer } of this.#pending.values()) clearTimeout(timer);
  }

  /** Sends what `former`, which is suspended, had no reply to. */
  transferPending(former: RpcChannel<Out, In>): void {
    for (const [id, pending] of former.#pending) {
      // Whatever it is that ends connections, it may be this one.
      if (pending.sends >= MAX_SENDS) {
        pending.reject(new WeirError('closed', `The connection ended each time that ${pending.method} was asked.`));
        continue;
      }
      this.#pending.set(id, pending);
      this.#sendRequest(id);
    }
    former.#pending.clear();
    former.close();
    this.#nextId = Math.max(this.#nextId, former.#nextId);
  }

  /** Ends the channel: what waits for a reply fails with `closed`, and nothing is sent any more. */
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
    if (this.#waiting >= MAX_WAITING) {
      this.#sendReply(id, { error: new WeirError('rateLimited').toWire() });
      return;
    }
    this.#waiting += 1;
    const isFree = this.#options.unordered?.some((name) => name === method);
    const run = async () => {
      const answer = isFree ? await this.#run(method, data) : await this.#runOnce(id, method, data);
      this.#waiting -= 1;
      this.#sendReply(id, answer);
    };
    if (isFree) void run();
    else this.#lastRequest = this.#lastRequest.then(run);
  }

  /** The answer of a request that has been asked before, or of this one. */
  async #runOnce(id: number, method: string, data: unknown): Promise<Reply> {
    const known = this.#formerReplies.get(id);
    if (known && !this.#closed) return known;
    // The request that begins the remembering is not one of those that it is for.
    const answers = this.#replies;
    await answers?.latest;
    // Nobody hears the answer here; whoever asks again is to find it undone.
    if (this.#closed) return { error: new WeirError('closed').toWire() };
    const answer = this.#run(method, data);
    if (!answers) return answer;
    answers.latest = answer;
    answers.set(id, answer);
    // So many can be waiting at a client at most: older ones are not asked again.
    for (const oldest of answers.keys()) {
      if (answers.size <= MAX_WAITING) break;
      answers.delete(oldest);
    }
    return answer;
  }

  /** Runs a request; the one reply of it, error or not. */
  async #run(method: string, data: unknown): Promise<Reply> {
    const { incoming, handlers, onFailure } = this.#options;
    try {
      const schemas = isMethod(incoming, method) ? incoming.requests[method] : undefined;
      const handler = isMethod(incoming, method) ? handlers[method] : undefined;
      if (!schemas || !handler) throw new WeirError('unknownMethod', `There is no request "${method}".`);
      return { data: await handler(parse<RequestSchema<In>>(schemas.request, data)) };
    } catch (error) {
      const known = WeirError.from(error);
      if (known.code === 'internal' || known.cause !== undefined) onFailure?.(known.cause ?? known, method);
      return { error: known.toWire() };
    }
  }

  #sendReply(id: number, answer: Reply): void {
    if (!this.#closed) this.#options.send(JSON.stringify({ id, ...answer }));
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
    // Late replies to requests that timed out are no offence.
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

/** `data` as `schema` has it. @throws {WeirError} `badRequest`, which names the first field that is wrong */
function parse<T extends z.ZodType>(schema: T, data: unknown, code: ErrorCode = 'badRequest'): z.infer<T> {
  const parsed = schema.safeParse(data);
  if (parsed.success) return parsed.data;
  throw new WeirError(code, validationSentence(parsed.error));
}
