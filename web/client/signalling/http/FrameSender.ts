/** Sends messages by POST: several in a frame, one frame at a time, in order, and each once even if its response is lost. */
import { type Close, encodeFrame } from '../../../../shared/httpSignalling.ts';
import { isTransient, LOST, pause, post, refusalOf, retryPauses } from './request.ts';

export interface FrameSenderOptions {
  readonly url: URL;
  /** The id of the connection. */
  readonly id: string;
  /** How many bytes of messages one frame may have; a larger message goes alone, and the server refuses it. */
  readonly frameBytes: number;
  readonly signal: AbortSignal;
  /** The server does not take messages any more. */
  onFailure(close: Close): void;
}

export interface Frame {
  /** Counts frames, from 1. */
  readonly number: number;
  readonly messages: readonly string[];
  /** How many of the messages are those of the frame before. */
  readonly repeated?: number;
}

/** How long one request may take, in milliseconds. */
const TIMEOUT = 5000;

export class FrameSender {
  readonly #options: FrameSenderOptions;
  #queue: string[] = [];
  #number = 0;
  /** The frame that is on its way. */
  #sent: Frame | undefined;
  #running = false;

  constructor(options: FrameSenderOptions) {
    this.#options = options;
  }

  send(message: string): void {
    this.#queue.push(message);
    if (this.#running) return;
    this.#running = true;
    // Messages of one turn go together.
    queueMicrotask(() => void this.#run());
  }

  /** For the last request of a connection: what the server may not have, on its way or not. */
  takeUnconfirmed(): Frame | undefined {
    const sent = this.#sent;
    const next = this.#takeFrame();
    if (!sent || !next) return sent ?? next;
    return { number: next.number, messages: [...sent.messages, ...next.messages], repeated: sent.messages.length };
  }

  async #run(): Promise<void> {
    const { id, signal, onFailure } = this.#options;
    if (signal.aborted) return;
    for (let frame = this.#takeFrame(); frame; frame = this.#takeFrame()) {
      this.#sent = frame;
      const failure = await this.#post(encodeFrame({ id, number: frame.number }, frame.messages));
      if (signal.aborted) return;
      this.#sent = undefined;
      if (failure) {
        onFailure(failure);
        return;
      }
    }
    this.#running = false;
  }

  /** As many messages as fit into one frame, and at least one; undefined if there is none. */
  #takeFrame(): Frame | undefined {
    if (this.#queue.length === 0) return undefined;
    let bytes = 0;
    const encoder = new TextEncoder();
    const end = this.#queue.findIndex((message) => {
      bytes += encoder.encode(message).length + 1;
      return bytes > this.#options.frameBytes;
    });
    this.#number += 1;
    return { number: this.#number, messages: this.#queue.splice(0, end < 0 ? this.#queue.length : Math.max(1, end)) };
  }

  /** @returns why the server has not taken it */
  async #post(frame: string): Promise<Close | undefined> {
    const { url, signal } = this.#options;
    for (let attempt = 0; ; attempt += 1) {
      const limited = AbortSignal.any([signal, AbortSignal.timeout(TIMEOUT)]);
      const response = await post(url, frame, limited).catch(() => undefined);
      if (response?.ok) return undefined;
      if (response && !isTransient(response)) return refusalOf(response);
      const time = retryPauses[attempt];
      if (time === undefined || signal.aborted) return LOST;
      await pause(time, signal);
    }
  }
}
