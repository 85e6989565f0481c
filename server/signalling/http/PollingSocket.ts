/** A socket whose messages wait until the client asks for them, again and again: each request waits for the next ones. */
import { type Close, encodeFrame } from '../../../shared/httpSignalling.ts';
import { HttpSocket } from './HttpSocket.ts';

/** How long a request waits for messages, in milliseconds: less than what proxies tolerate. Usually a ping ends it before. */
const POLL_TIME = 25_000;
/**
 * How long after the loss of a request that waited, and after the first response, the socket counts as lost without another
 * request, in milliseconds: it was an attempt that is given up. Otherwise the heartbeat decides, as on a WebSocket: a response
 * may be large, and the network slow.
 */
const LOSS_DELAY = 5000;

export class PollingSocket extends HttpSocket {
  /** The number of the latest frame. */
  #number = 0;
  /** The latest frame, until the client asks for the next one. */
  #frame: string | undefined;
  #queue: string[] = [];
  #queuedBytes = 0;
  /** Of the request that waits. */
  #waiting: PromiseWithResolvers<string | undefined> | undefined;
  /** Messages of one turn of the event loop go together. */
  #flush: NodeJS.Immediate | undefined;
  /** Ends the request that waits. */
  #pollTimer: NodeJS.Timeout | undefined;
  #lossTimer: NodeJS.Timeout | undefined;

  /** Counts what the client has not confirmed yet. */
  get bufferedAmount(): number {
    return this.#queuedBytes + (this.#frame?.length ?? 0);
  }

  send(message: string): void {
    if (this.closed) return;
    this.#queue.push(message);
    this.#queuedBytes += Buffer.byteLength(message);
    this.#flush ??= setImmediate(() => {
      this.#flush = undefined;
      if (this.#queue.length > 0) this.#respond();
    });
  }

  /**
   * Waits for messages.
   * @param after the number of the latest frame that the client has; the one after it may have been lost on its way
   * @param signal aborted when nobody would receive the result
   * @returns a frame; undefined if another request has come meanwhile, or came before, or the socket was lost
   */
  poll(after: number, signal: AbortSignal): Promise<string | undefined> {
    clearTimeout(this.#lossTimer);
    if (after > this.#number) {
      this.violated('protocolError');
      return Promise.resolve(undefined);
    }
    if (after < this.#number) {
      this.repeated();
      return Promise.resolve(after === this.#number - 1 ? this.#frame : undefined);
    }
    const replaced = this.#waiting;
    if (replaced) {
      this.#waiting = undefined;
      replaced.resolve(undefined);
      this.repeated();
    }
    this.#frame = undefined;
    const waiting = Promise.withResolvers<string | undefined>();
    this.#waiting = waiting;
    signal.addEventListener('abort', () => this.#lost(waiting));
    clearTimeout(this.#pollTimer);
    // What was sent in this turn of the event loop waits for the rest.
    if (this.closed || (this.#queue.length > 0 && !this.#flush)) this.#respond();
    else this.#pollTimer = setTimeout(() => this.#respond(), POLL_TIME);
    return waiting.promise;
  }

  protected sendClose(): void {
    clearTimeout(this.#lossTimer);
    this.#respond();
  }

  protected destroy(): void {
    clearTimeout(this.#pollTimer);
    clearTimeout(this.#lossTimer);
    clearImmediate(this.#flush);
    this.#queue = [];
    this.#queuedBytes = 0;
    this.#frame = undefined;
    this.#waiting?.resolve(undefined);
    this.#waiting = undefined;
  }

  #respond(): void {
    const waiting = this.#waiting;
    if (!waiting) return;
    clearTimeout(this.#pollTimer);
    this.#waiting = undefined;
    this.#number += 1;
    const close: Close | undefined = this.closed;
    const header = {
      number: this.#number,
      ...(this.#number === 1 && { opened: this.opened }),
      ...(close && { close }),
    };
    this.#frame = encodeFrame(header, this.#queue);
    this.#queue = [];
    this.#queuedBytes = 0;
    waiting.resolve(this.#frame);
    if (this.#number === 1) this.#awaitPoll();
  }

  /** The client does not wait for it any more. */
  #lost(waiting: PromiseWithResolvers<string | undefined>): void {
    if (this.#waiting !== waiting) return;
    clearTimeout(this.#pollTimer);
    this.#waiting = undefined;
    waiting.resolve(undefined);
    this.#awaitPoll();
  }

  #awaitPoll(): void {
    if (!this.closed) this.#lossTimer = setTimeout(() => this.end(), LOSS_DELAY);
  }
}
