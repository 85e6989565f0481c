/** A TCP proxy that interrupts connections between both ends, by reset or by dropping everything silently. */
import { once } from 'node:events';
import { type AddressInfo, createConnection, createServer, type Server, type Socket } from 'node:net';
import { Lifetime } from '../../../server/common/Lifetime.ts';

/**
 * `reset`: connections are reset, and new ones refused. `silence`: no data passes in either direction and neither end
 * is notified; new connections get no answer.
 */
export type Cut = 'reset' | 'silence';

/** Forwards to `127.0.0.1:<port>`. Only proxied connections are affected: media does not pass through it. */
export class NetworkFault implements AsyncDisposable {
  readonly #target: number;
  readonly #lifetime = new Lifetime<'closed'>();
  readonly #sockets = new Set<Socket>();
  #server: Server;
  #cut: Cut | undefined;
  /** Connections attempted during the silence: they stay unanswered until the client gives up. */
  readonly #lost = new Set<Socket>();

  private constructor(target: number, server: Server) {
    this.#target = target;
    this.#server = server;
  }

  /** @param url of the server */
  static async start(url: string): Promise<NetworkFault> {
    const server = createServer();
    const network = new NetworkFault(Number(new URL(url).port), server);
    await network.#listen(server, 0);
    return network;
  }

  /** URL of the server through this proxy. */
  get url(): string {
    return `http://127.0.0.1:${this.#port}`;
  }

  /** Number of proxied connections. */
  get size(): number {
    return this.#sockets.size / 2;
  }

  cut(how: Cut): void {
    this.#cut = how;
    if (how === 'silence') {
      for (const socket of this.#sockets) socket.pause();
      return;
    }
    this.#server.close();
    for (const socket of this.#sockets) socket.resetAndDestroy();
  }

  /** Ends the fault. Silenced connections continue, as TCP retransmits; reset or new ones have to be reopened. */
  async mend(): Promise<void> {
    const { url } = this;
    if (this.#cut === 'reset') {
      this.#server = createServer();
      await this.#listen(this.#server, Number(new URL(url).port));
    }
    this.#cut = undefined;
    for (const socket of this.#sockets) socket.resume();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#lifetime.end('closed');
    for (const socket of [...this.#sockets, ...this.#lost]) socket.destroy();
    this.#server.close();
  }

  #port = 0;

  async #listen(server: Server, port: number): Promise<void> {
    server.on('connection', (socket) => {
      socket.on('error', () => {});
      if (this.#cut === 'silence') {
        this.#lost.add(socket);
        socket.on('close', () => this.#lost.delete(socket));
        // Read, so that the end of the connection is noticed; the data is dropped.
        socket.resume();
      } else this.#connect(socket);
    });
    server.listen(port, '127.0.0.1');
    await once(server, 'listening');
    this.#port = portOf(server.address());
  }

  #connect(near: Socket): void {
    const far = createConnection(this.#target, '127.0.0.1');
    for (const [from, to] of [
      [near, far],
      [far, near],
    ] as const) {
      this.#sockets.add(from);
      from.setNoDelay(true);
      from.on('data', (bytes) => to.write(bytes));
      from.on('error', () => {});
      from.on('end', () => to.end());
      from.on('close', () => {
        this.#sockets.delete(from);
        to.destroy();
      });
    }
  }
}

function portOf(address: AddressInfo | string | null): number {
  if (address === null || typeof address === 'string') throw new Error('It does not listen on TCP.');
  return address.port;
}
