/** Takes the place of a WebSocket over HTTP: its secret id, the messages that the client posts, and how it ends. */
import { randomBytes } from 'node:crypto';
import type { Close, Opened } from '../../../shared/httpSignalling.ts';
import { TokenBucket } from '../../../shared/TokenBucket.ts';
import type { MessageSocket, MessageSocketListener } from '../MessageSocket.ts';

export interface HttpSocketOptions {
  /** The largest message, in bytes; more closes the socket. */
  readonly maxMessageBytes: number;
  /** How often the client may repeat requests. */
  readonly repeats: { readonly perSecond: number; readonly burst: number };
  /** The socket has closed. @param final the client need not be told why any more */
  onClosed(final: boolean): void;
}

/** Close codes of RFC 6455, section 7.4.1. */
const TOO_BIG = { code: 1009, reason: 'message too big' };
const LOST = { code: 1006, reason: '' };

export abstract class HttpSocket implements MessageSocket {
  /** Only its client knows it. */
  readonly id = randomBytes(32).toString('base64url');
  readonly #options: HttpSocketOptions;
  readonly #repeats: TokenBucket;
  #listener: MessageSocketListener | undefined;
  /** The number of the latest frame that was received. */
  #received = 0;
  #closed: Close | undefined;

  constructor(options: HttpSocketOptions) {
    this.#options = options;
    this.#repeats = new TokenBucket(options.repeats.perSecond, options.repeats.burst);
  }

  /** Whether the client has sent anything. */
  protected get used(): boolean {
    return this.#received > 0;
  }

  /** How it has closed; undefined while it is open. */
  get closed(): Close | undefined {
    return this.#closed;
  }

  /** What the client is told first. */
  get opened(): Opened {
    return { id: this.id, frameBytes: this.#options.maxMessageBytes };
  }

  listen(listener: MessageSocketListener): void {
    this.#listener = listener;
  }

  abstract get bufferedAmount(): number;
  abstract send(message: string): void;

  close(code: number, reason: string): void {
    if (this.#closed) return;
    this.#closed = { code, reason };
    this.sendClose(this.#closed);
    this.#options.onClosed(false);
  }

  terminate(): void {
    const isClosing = this.#closed !== undefined;
    this.#closed ??= LOST;
    this.destroy();
    if (!isClosing) this.#options.onClosed(true);
  }

  /**
   * Handles the messages of a frame, unless it has been handled: a client repeats one whose response was lost.
   * @param number of the frame
   */
  receive(number: number, messages: readonly string[]): void {
    if (number <= this.#received) {
      this.repeated();
      return;
    }
    if (number > this.#received + 1) {
      this.violated('protocolError');
      return;
    }
    this.#received = number;
    const { maxMessageBytes } = this.#options;
    for (const message of messages) {
      if (this.#closed) return;
      if (Buffer.byteLength(message) > maxMessageBytes) {
        const listener = this.#listener;
        this.close(TOO_BIG.code, TOO_BIG.reason);
        listener?.onClose(TOO_BIG.code);
      } else this.#listener?.onMessage(message);
    }
  }

  /** The client has closed the socket, or it is lost. */
  end({ code, reason }: Close = LOST): void {
    if (this.#closed) return;
    this.#closed = { code, reason };
    this.destroy();
    this.#options.onClosed(true);
    this.#listener?.onClose(code);
  }

  /** Sends the client what is queued, and how the socket closes. */
  protected abstract sendClose(close: Close): void;
  /** Ends what carries messages to the client. */
  protected abstract destroy(): void;

  /** A request was a repetition, which is right now and then. */
  protected repeated(): void {
    if (this.#repeats.take() >= this.#options.repeats.burst) this.violated('rateLimited');
  }

  protected violated(reason: 'protocolError' | 'rateLimited'): void {
    if (!this.#closed) this.#listener?.onViolation(reason);
  }
}
