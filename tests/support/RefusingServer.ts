/** A server that serves the pages of a Weir and refuses its calls in the way that a test chooses. */
import { once } from 'node:events';
import { createServer, type IncomingMessage, request, type Server, type ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { WebSocketServer } from 'ws';
import type { WireError } from '../../shared/errors.ts';
import type { Welcome } from '../../shared/protocol.ts';

/** How joins are rejected. */
export type Refusal =
  /** Upgrades and what replaces WebSockets are reset, as by a firewall, or never answered. */
  | 'blocked'
  | 'silent'
  /** Nothing listens. */
  | 'down'
  /** A proxy answers every request with 502, or with a page of its own. */
  | 'gateway'
  | 'portal'
  /** The WebSocket opens, and is closed with this code before the welcome. */
  | { readonly close: number }
  /** The server speaks this version of the protocol. */
  | { readonly protocol: number }
  /** The join is rejected with this error, or never answered and the connection lost. */
  | { readonly error: WireError }
  | 'cut';

export class RefusingServer implements AsyncDisposable {
  readonly url: string;
  #refusal: Refusal = 'blocked';
  readonly #weir: URL;
  readonly #welcome: Welcome;
  readonly #http: Server;
  readonly #sockets = new Set<Socket>();
  readonly #webSockets = new WebSocketServer({ noServer: true });

  private constructor(http: Server, weir: string, welcome: Welcome) {
    const address = http.address();
    if (address === null || typeof address === 'string') throw new Error('the server does not listen');
    this.url = `http://127.0.0.1:${address.port}`;
    this.#http = http;
    this.#weir = new URL(weir);
    this.#welcome = welcome;
    http.on('request', (incoming, response) => this.#serve(incoming, response));
    http.on('upgrade', (incoming, socket: Socket, head) => this.#upgrade(incoming, socket, head));
    http.on('connection', (socket) => {
      this.#sockets.add(socket);
      socket.once('close', () => this.#sockets.delete(socket));
    });
  }

  /** @param weir URL of the server whose pages are served @param welcome that server's welcome */
  static async start(weir: string, welcome: Welcome): Promise<RefusingServer> {
    const http = createServer();
    http.listen(0, '127.0.0.1');
    await once(http, 'listening');
    return new RefusingServer(http, weir, welcome);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#http.close();
    this.#cutAll();
  }

  /** Sets how joins are rejected from now on. */
  refuse(refusal: Refusal): void {
    this.#refusal = refusal;
    if (refusal !== 'down') return;
    this.#http.close();
    this.#cutAll();
  }

  #cutAll(): void {
    for (const socket of this.#sockets) socket.destroy();
  }

  #serve(incoming: IncomingMessage, response: ServerResponse): void {
    if (this.#refusal === 'gateway') {
      response.writeHead(502).end('Bad Gateway');
      return;
    }
    if (this.#refusal === 'portal') {
      response.writeHead(200, { 'content-type': 'text/html' }).end('<p>Sign in to use this network.');
      return;
    }
    if (incoming.url?.startsWith('/signalling/')) {
      if (this.#refusal !== 'silent') incoming.socket.destroy();
      return;
    }
    const { hostname, port } = this.#weir;
    const forwarded = request({ hostname, port, path: incoming.url, headers: incoming.headers }, (answer) => {
      response.writeHead(answer.statusCode ?? 500, answer.headers);
      answer.pipe(response);
    });
    forwarded.on('error', () => response.destroy());
    forwarded.end();
  }

  #upgrade(incoming: IncomingMessage, socket: Socket, head: Buffer): void {
    const refusal = this.#refusal;
    if (refusal === 'gateway' || refusal === 'portal') {
      socket.end('HTTP/1.1 502 Bad Gateway\r\nConnection: close\r\n\r\n');
      return;
    }
    if (refusal === 'silent') return;
    if (refusal === 'blocked' || refusal === 'down') {
      socket.destroy();
      return;
    }
    this.#webSockets.handleUpgrade(incoming, socket, head, (webSocket) => {
      if (refusal !== 'cut' && 'close' in refusal) {
        webSocket.close(refusal.close);
        return;
      }
      const protocol = refusal !== 'cut' && 'protocol' in refusal ? refusal.protocol : this.#welcome.protocol;
      // Nothing else is known about another version.
      const data = protocol === this.#welcome.protocol ? this.#welcome : { protocol };
      webSocket.send(JSON.stringify({ event: 'welcome', data }));
      webSocket.on('message', (message) => {
        if (refusal === 'cut') webSocket.terminate();
        else if ('error' in refusal) {
          const { id }: { id?: number } = JSON.parse(message.toString());
          webSocket.send(JSON.stringify({ id, error: refusal.error }));
        }
      });
    });
  }
}
