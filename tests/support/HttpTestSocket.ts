/**
 * A client's end of the signalling over HTTP, for tests: written apart from the SDK's, with the methods and events of a
 * WebSocket. It sends one request after another, with what has been sent meanwhile.
 */
import { EventEmitter } from 'node:events';
import { z } from 'zod';

const Close = z.object({ code: z.number(), reason: z.string() });
const Header = z.object({
  number: z.number().optional(),
  opened: z.object({ id: z.string() }).optional(),
  close: Close.optional(),
});
const Event = z.object({ event: z.string(), data: z.string() });

/** How long reporting a close may take, in milliseconds. */
const CLOSE_TIMEOUT = 2000;
/** How many messages go together at most. */
const MAX_MESSAGES = 50;

interface SocketEvents {
  open: [];
  message: [data: string];
  close: [code: number, reason: string];
}

export interface HttpTestSocketOptions {
  readonly headers?: Record<string, string> | undefined;
}

export class HttpTestSocket extends EventEmitter<SocketEvents> {
  readonly url: string;
  readonly #headers: Record<string, string>;
  readonly #ended = new AbortController();
  #sending: Promise<unknown> = Promise.resolve();
  #queue: string[] = [];
  #number = 0;
  /** Of the latest frame that came by polling. */
  #after = 0;
  #resumed = Promise.withResolvers<void>();
  /** The id of the connection. */
  id = '';

  constructor(kind: 'sse' | 'polling', url: string, { headers = {} }: HttpTestSocketOptions = {}) {
    super();
    this.url = url;
    this.#headers = headers;
    this.#resumed.resolve();
    const receiving = kind === 'sse' ? this.#receiveEvents() : this.#poll();
    receiving.catch(() => this.#end(1006, ''));
  }

  /** Of the latest frame that was sent. */
  get number(): number {
    return this.#number;
  }

  /** Sends a message after those before. */
  send(message: string): void {
    this.#queue.push(message);
    this.#sending = this.#sending.then(() => this.#sendFrame());
  }

  /** Reports a close with that code, and stops. */
  close(code = 1000, reason = ''): void {
    const body = JSON.stringify({ id: this.id, close: { code, reason } });
    // Also when it has been cut: then the server does not wait for it.
    const signal = AbortSignal.timeout(CLOSE_TIMEOUT);
    this.#sending = this.#sending.then(() => this.#request('send', body, signal).catch(() => {}));
    void this.#sending.then(() => this.#end(code, reason));
  }

  /** Stops without a word to the server. */
  terminate(): void {
    this.#end(1006, '');
  }

  /** Reads nothing until `resume`. */
  pause(): void {
    this.#resumed = Promise.withResolvers();
  }

  resume(): void {
    this.#resumed.resolve();
  }

  /** Posts a body as it is. A refusal with a close ends the socket. */
  async post(path: 'send' | 'poll', body: string): Promise<Response | undefined> {
    const response = await this.#request(path, body).catch(() => undefined);
    if (response && !response.ok) await this.#refused(response.clone());
    return response;
  }

  async #sendFrame(): Promise<void> {
    const messages = this.#queue.splice(0, MAX_MESSAGES);
    if (messages.length === 0) return;
    this.#number += 1;
    await this.post('send', [JSON.stringify({ id: this.id, number: this.#number }), ...messages].join('\n'));
  }

  #request(path: string, body?: string, signal: AbortSignal = this.#ended.signal): Promise<Response> {
    return fetch(`${this.url}/signalling/${path}`, {
      method: 'POST',
      ...(body !== undefined && { body }),
      headers: { ...this.#headers, ...(body !== undefined && { 'content-type': 'text/plain' }) },
      signal,
    });
  }

  async #receiveEvents(): Promise<void> {
    const response = await this.#request('events');
    if (!response.ok || !response.body) return this.#refused(response);
    let text = '';
    for await (const piece of response.body.pipeThrough(new TextDecoderStream())) {
      await this.#resumed.promise;
      text += piece;
      for (let end = text.indexOf('\n\n'); end >= 0; end = text.indexOf('\n\n')) {
        const fields = text
          .slice(0, end)
          .split('\n')
          .map((line) => line.split(/: (.*)/s, 2));
        text = text.slice(end + 2);
        const { event, data } = Event.parse({ event: 'message', data: '', ...Object.fromEntries(fields) });
        if (event === 'open') this.#opened(JSON.parse(data));
        else if (event === 'close') {
          const { code, reason } = Close.parse(JSON.parse(data));
          this.#end(code, reason);
        } else if (data !== '') this.emit('message', data);
      }
    }
    this.#end(1006, '');
  }

  async #poll(): Promise<void> {
    while (!this.#ended.signal.aborted) {
      const body = this.id === '' ? undefined : JSON.stringify({ id: this.id, after: this.#after });
      const response = await this.#request('poll', body);
      if (!response.ok) return this.#refused(response);
      const [header = '', ...messages] = (await response.text()).split('\n');
      await this.#resumed.promise;
      const { number = 0, opened, close } = Header.parse(JSON.parse(header));
      this.#after = number;
      if (opened) this.#opened(opened);
      for (const message of messages) this.emit('message', message);
      if (close) this.#end(close.code, close.reason);
    }
  }

  #opened(opened: unknown): void {
    this.id = z.object({ id: z.string() }).parse(opened).id;
    this.emit('open');
  }

  async #refused(response: Response): Promise<void> {
    const body: unknown = await response.json().catch(() => undefined);
    const { success, data } = z.object({ close: Close }).safeParse(body);
    if (success) this.#end(data.close.code, data.close.reason);
    else this.#end(response.status === 413 ? 1009 : 1006, '');
  }

  #end(code: number, reason: string): void {
    if (this.#ended.signal.aborted) return;
    this.#ended.abort();
    this.#resumed.resolve();
    this.emit('close', code, reason);
  }
}
