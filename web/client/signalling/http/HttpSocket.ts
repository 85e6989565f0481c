/** Takes the place of a WebSocket over HTTP. How messages of the server are received is a function of its own. */
import { closeReasons } from '../../../../shared/closeReasons.ts';
import { type Close, encodeFrame, httpSignallingPaths, type Opened } from '../../../../shared/httpSignalling.ts';
import { serverUrl } from '../../base.ts';
import { onPageLeftSoon } from '../../network.ts';
import type { MessageSocket, MessageSocketListener } from '../MessageSocket.ts';
import { type Frame, FrameSender } from './FrameSender.ts';
import { LOST } from './request.ts';

export interface ReceiveOptions {
  /** Where the server is. */
  readonly url: string;
  /** Aborted when the socket closes: nothing is to be received any more. */
  readonly signal: AbortSignal;
  /** The server has opened the connection. */
  onOpen(opened: Opened): void;
  onMessage(message: string): void;
}

/** Receives the messages of the server until the connection ends. @returns why it has; it may also throw, for a lost one */
export type Receive = (options: ReceiveOptions) => Promise<Close>;

/** How long telling the server of a close may take, in milliseconds: after two seconds it knows that the stream is lost. */
const CLOSE_TIMEOUT = 1000;
/** How long a page may still be closed after its stream was lost, for its word to count, in milliseconds. */
const LEAVE_TIMEOUT = 1000;
/** How long the last frame may be, in characters: browsers let 64 KiB outlive a page. */
const MAX_LAST_FRAME = 20_000;

export class HttpSocket implements MessageSocket {
  readonly #sendUrl: URL;
  readonly #listener: MessageSocketListener;
  readonly #ended = new AbortController();
  /** Undefined until the connection is open. */
  #connection: { readonly id: string; readonly sender: FrameSender } | undefined;

  /** @throws {WeirError} `badRequest` if `url` is not that of a server */
  constructor(url: string, listener: MessageSocketListener, receive: Receive) {
    this.#sendUrl = serverUrl(url, httpSignallingPaths.send);
    this.#listener = listener;
    const { signal } = this.#ended;
    const receiving = receive({
      url,
      signal,
      onOpen: (opened) => this.#opened(opened),
      onMessage: (message) => {
        if (!signal.aborted) listener.onMessage(message);
      },
    });
    receiving.then(
      (close) => this.#end(close),
      () => this.#end(LOST),
    );
  }

  send(message: string): boolean {
    if (!this.#connection || this.#ended.signal.aborted) return false;
    this.#connection.sender.send(message);
    return true;
  }

  close(code: number, reason: string): void {
    const isLost = this.#ended.signal.aborted;
    // A page may be closed just after its stream was lost: the server waits a moment for its word.
    if (isLost && code === closeReasons.abandoned.code) return;
    const { id, sender } = this.#connection ?? {};
    this.#connection = undefined;
    if (id !== undefined) this.#sendClose(id, { code, reason }, sender?.takeUnconfirmed());
    this.#end({ code, reason });
  }

  #opened({ id, frameBytes }: Opened): void {
    const { signal } = this.#ended;
    if (signal.aborted) {
      // It was given up while it opened. The server is told, so that it waits for nobody.
      this.#sendClose(id, LOST);
      return;
    }
    const onFailure = (close: Close) => this.#end(close);
    const sender = new FrameSender({ url: this.#sendUrl, id, frameBytes, signal, onFailure });
    this.#connection = { id, sender };
    this.#listener.onOpen();
  }

  /**
   * The request outlives the page. Beacons would, too, but extensions of browsers block them.
   * @param last what was sent before: its own request ends with the page
   */
  #sendClose(id: string, close: Close, last?: Frame): void {
    const frame = encodeFrame({ id, number: last?.number, repeated: last?.repeated, close }, last?.messages);
    const body = frame.length <= MAX_LAST_FRAME ? frame : encodeFrame({ id, close });
    const signal = AbortSignal.timeout(CLOSE_TIMEOUT);
    fetch(this.#sendUrl, { method: 'POST', body, keepalive: true, signal }).catch(() => {});
  }

  #end({ code, reason }: Close): void {
    if (this.#ended.signal.aborted) return;
    this.#ended.abort();
    // Firefox ends the requests of a page that is closed before the page hears of that; where sessions cannot be resumed, nobody
    // else would tell the server then.
    if (code === LOST.code && this.#connection) {
      onPageLeftSoon(() => this.close(closeReasons.left.code, 'left'), LEAVE_TIMEOUT);
    }
    this.#listener.onClose(code, reason);
  }
}
