/** A socket whose messages reach the client as server-sent events (WHATWG HTML, section 9.2), in one response. */
import type { ServerResponse } from 'node:http';
import type { Close } from '../../../shared/httpSignalling.ts';
import { HttpSocket, type HttpSocketOptions } from './HttpSocket.ts';

/**
 * How long after the loss of its stream a socket counts as lost, in milliseconds: a page that is closed loses the stream, and
 * says so in another request, which may come later.
 */
const LOSS_DELAY = 2000;
/** How long a client may take to read the last event, in milliseconds. */
const CLOSE_TIMEOUT = 2000;
/** A comment that fills the first buffer of what inspects responses on their way. */
const PADDING = `:${' '.repeat(2048)}\n\n`;

export const eventStreamHeaders = {
  'content-type': 'text/event-stream; charset=utf-8',
  'cache-control': 'no-store, no-transform',
  // nginx and others that follow it pass each event on at once.
  'x-accel-buffering': 'no',
} as const;

export class EventStreamSocket extends HttpSocket {
  readonly #response: ServerResponse;
  #lossTimer: NodeJS.Timeout | undefined;
  #closeTimer: NodeJS.Timeout | undefined;

  /** @param response with its head sent already */
  constructor(response: ServerResponse, options: HttpSocketOptions) {
    super(options);
    this.#response = response;
    response.on('error', () => {});
    response.once('close', () => {
      clearTimeout(this.#closeTimer);
      // A client that has sent nothing was an attempt that is given up, or does not know the id.
      if (!this.closed) this.#lossTimer = setTimeout(() => this.end(), this.used ? LOSS_DELAY : 0);
    });
    response.write(`${PADDING}event: open\ndata: ${JSON.stringify(this.opened)}\n\n`);
  }

  get bufferedAmount(): number {
    return this.#response.writableLength;
  }

  send(message: string): void {
    if (!this.closed && !this.#response.destroyed) this.#response.write(`data: ${message}\n\n`);
  }

  protected sendClose(close: Close): void {
    clearTimeout(this.#lossTimer);
    if (this.#response.destroyed) return;
    this.#closeTimer = setTimeout(() => this.#response.destroy(), CLOSE_TIMEOUT);
    this.#response.end(`event: close\ndata: ${JSON.stringify(close)}\n\n`);
  }

  protected destroy(): void {
    clearTimeout(this.#lossTimer);
    this.#response.destroy();
  }
}
