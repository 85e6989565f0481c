/** The sockets over HTTP by their ids, and for a while those that have closed, whose clients have still to be told why. */
import type { HttpSocket, HttpSocketOptions } from './HttpSocket.ts';

/** How long a socket that the server has closed is kept, in milliseconds. */
const CLOSED_TIME = 5000;

export class HttpSockets {
  readonly #options: Omit<HttpSocketOptions, 'onClosed'>;
  readonly #sockets = new Map<string, HttpSocket>();
  readonly #timers = new Map<string, NodeJS.Timeout>();

  constructor(options: Omit<HttpSocketOptions, 'onClosed'>) {
    this.#options = options;
  }

  /** Creates a socket, and keeps it until it has closed. */
  add<T extends HttpSocket>(create: (options: HttpSocketOptions) => T): T {
    const socket: T = create({ ...this.#options, onClosed: (final) => this.#closed(socket.id, final) });
    this.#sockets.set(socket.id, socket);
    return socket;
  }

  find(id: string): HttpSocket | undefined {
    return this.#sockets.get(id);
  }

  close(): void {
    for (const timer of this.#timers.values()) clearTimeout(timer);
    this.#timers.clear();
    this.#sockets.clear();
  }

  #closed(id: string, final: boolean): void {
    clearTimeout(this.#timers.get(id));
    const remove = () => {
      this.#timers.delete(id);
      this.#sockets.delete(id);
    };
    if (final) remove();
    else this.#timers.set(id, setTimeout(remove, CLOSED_TIME));
  }
}
