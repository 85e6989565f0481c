/** An HTTP proxy that obstructs what passes it: refuses WebSockets, holds responses back, or loses them. */
import { once } from 'node:events';
import { createServer, type IncomingMessage, request, type Server, type ServerResponse } from 'node:http';
import { connect, type Socket } from 'node:net';
import { Transform, type TransformCallback } from 'node:stream';

export interface Obstruction {
  /**
   * What becomes of a request for a WebSocket: `refused` answers it with status 400, `reset` closes the connection, `silent`
   * never answers.
   */
  readonly webSockets: 'pass' | 'refused' | 'reset' | 'silent';
  /**
   * What becomes of responses: `whole` passes them on when they are complete, `blocks` in full blocks of 4 KiB, `beginning` up to
   * the first message of a stream of events, and the rest when it is complete.
   */
  readonly responses: 'pass' | 'whole' | 'blocks' | 'beginning';
}

const BLOCK = 4096;
/** The end of the first message in a stream of events. */
const FIRST_MESSAGE = /^data: \{"event":"welcome".*\n\n/m;
const none: Obstruction = { webSockets: 'pass', responses: 'pass' };

export class ObstructingProxy implements AsyncDisposable {
  /** `http://127.0.0.1:<port>` */
  readonly url: string;
  /** The paths of all requests, in order; of upgrades too. */
  readonly paths: string[] = [];
  readonly #server: Server;
  readonly #upstream: URL;
  readonly #sockets = new Set<Socket>();
  #obstruction: Obstruction = none;
  /** How many of the next responses are lost, by path: the server has handled the request. */
  readonly #losses = new Map<string, number>();
  /** How many of the next requests are lost, by path: they are never answered. */
  readonly #drops = new Map<string, number>();

  private constructor(server: Server, upstream: string) {
    const address = server.address();
    if (address === null || typeof address === 'string') throw new Error('The proxy does not listen.');
    this.url = `http://127.0.0.1:${address.port}`;
    this.#server = server;
    this.#upstream = new URL(upstream);
    server.on('request', (incoming, response) => this.#forward(incoming, response));
    server.on('upgrade', (incoming, socket: Socket, head) => this.#upgrade(incoming, socket, head));
    server.on('connection', (socket) => this.#track(socket));
  }

  /** @param upstream URL of the server */
  static async start(upstream: string, obstruction: Partial<Obstruction> = {}): Promise<ObstructingProxy> {
    const server = createServer();
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const proxy = new ObstructingProxy(server, upstream);
    proxy.obstruct(obstruction);
    return proxy;
  }

  /** Obstructs new requests in this way, and in no other. */
  obstruct(obstruction: Partial<Obstruction>): void {
    this.#obstruction = { ...none, ...obstruction };
  }

  /** Loses the next responses to requests for that path. */
  lose(path: string, count: number): void {
    this.#losses.set(path, count);
  }

  /** Loses the next requests for that path. */
  drop(path: string, count: number): void {
    this.#drops.set(path, count);
  }

  /** Cuts all connections. */
  cut(): void {
    for (const socket of this.#sockets) socket.destroy();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const closed = once(this.#server, 'close');
    this.#server.close();
    this.cut();
    await closed;
  }

  #track(socket: Socket): void {
    this.#sockets.add(socket);
    socket.on('error', () => socket.destroy());
    socket.once('close', () => this.#sockets.delete(socket));
  }

  #forward(incoming: IncomingMessage, response: ServerResponse): void {
    const { url: path = '/', method, headers } = incoming;
    this.paths.push(path);
    if (takeOne(this.#drops, path)) {
      incoming.resume();
      return;
    }
    const { hostname, port } = this.#upstream;
    const { responses } = this.#obstruction;
    const outgoing = request({ hostname, port, path, method, headers, agent: false }, (answer) => {
      if (takeOne(this.#losses, path)) {
        answer.destroy();
        incoming.socket.destroy();
        return;
      }
      const { 'content-length': _length, connection: _connection, ...passed } = answer.headers;
      // Whoever holds the body back holds back the head, too.
      const start = () => {
        if (!response.headersSent) response.writeHead(answer.statusCode ?? 502, passed).flushHeaders();
      };
      if (responses === 'pass') {
        start();
        answer.pipe(response);
      } else answer.pipe(new HeldBack(responses, start)).pipe(response);
    });
    outgoing.on('error', () => incoming.socket.destroy());
    // Either side's end is that of the other.
    response.once('close', () => outgoing.destroy());
    incoming.pipe(outgoing);
  }

  #upgrade(incoming: IncomingMessage, socket: Socket, head: Buffer): void {
    this.paths.push(incoming.url ?? '/');
    const { webSockets } = this.#obstruction;
    if (webSockets === 'refused')
      socket.end('HTTP/1.1 400 Bad Request\r\nConnection: close\r\nContent-Length: 0\r\n\r\n');
    if (webSockets === 'reset') socket.destroy();
    if (webSockets !== 'pass') return;
    const upstream = connect(Number(this.#upstream.port), this.#upstream.hostname);
    this.#track(upstream);
    upstream.once('close', () => socket.destroy());
    socket.once('close', () => upstream.destroy());
    const lines = incoming.rawHeaders.flatMap((name, index, all) =>
      index % 2 === 0 ? [`${name}: ${all[index + 1]}`] : [],
    );
    upstream.write(`${incoming.method} ${incoming.url} HTTP/1.1\r\n${lines.join('\r\n')}\r\n\r\n`);
    upstream.write(head);
    upstream.pipe(socket);
    socket.pipe(upstream);
  }
}

/** @returns whether there was one left of that path */
function takeOne(counts: Map<string, number>, path: string): boolean {
  const left = counts.get(path) ?? 0;
  if (left > 0) counts.set(path, left - 1);
  return left > 0;
}

/** Passes on a part of what comes, and the rest at the end. */
class HeldBack extends Transform {
  readonly #kind: 'whole' | 'blocks' | 'beginning';
  readonly #start: () => void;
  #held: Buffer = Buffer.alloc(0);

  /** @param start called before anything is passed on */
  constructor(kind: 'whole' | 'blocks' | 'beginning', start: () => void) {
    super();
    this.#kind = kind;
    this.#start = start;
  }

  override _transform(chunk: Buffer, _encoding: BufferEncoding, done: TransformCallback): void {
    this.#held = Buffer.concat([this.#held, chunk]);
    const length = this.#passing();
    if (length > 0) {
      this.#start();
      this.push(this.#held.subarray(0, length));
      this.#held = this.#held.subarray(length);
    }
    done();
  }

  /** How many of the bytes that are held are passed on. */
  #passing(): number {
    if (this.#kind === 'blocks') return this.#held.length - (this.#held.length % BLOCK);
    const first = this.#kind === 'beginning' ? FIRST_MESSAGE.exec(this.#held.toString('latin1')) : null;
    return first ? first.index + first[0].length : 0;
  }

  override _flush(done: TransformCallback): void {
    this.#start();
    this.push(this.#held);
    done();
  }
}
