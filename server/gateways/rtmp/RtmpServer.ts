/** The RTMP port: encoders that have nothing else publish into a room, as rtmp://<server>/<room> with a token as stream key. */
import { once } from 'node:events';
import { createServer, type Server, type Socket } from 'node:net';
import { z } from 'zod';
import { WeirError } from '../../../shared/errors.ts';
import { DisplayName, RoomName } from '../../../shared/participants.ts';
import { validationSentence } from '../../../shared/validation.ts';
import { errorCode } from '../../common/errno.ts';
import { PrefixRateLimit } from '../../common/PrefixRateLimit.ts';
import { hasFfmpeg } from './FfmpegRelay.ts';
import { Places } from './Places.ts';
import { type PublishCommand, RtmpConnection } from './RtmpConnection.ts';
import { MAX_ENCODINGS, type RtmpContext, RtmpStream, type StreamSource } from './RtmpStream.ts';

export interface RtmpServerOptions extends RtmpContext {
  readonly host: string;
  /** 0 for any. */
  readonly port: number;
}

/** Streams at a time: each has a process. */
const STREAMS = { perNetwork: 10, all: 100 };
/**
 * Connections at a time that have not been admitted: anybody may open these, and they take no places of streams. Where all are
 * taken, the oldest one gives way: an encoder needs a second to publish, and some networks that hold theirs keep nobody out.
 */
const PENDING = { perNetwork: 5, all: 50 };
/** Connections of one network: encoders connect again and again, but not faster. */
const CONNECTIONS = { perSecond: 2, burst: 30 };
/** Refused connections are logged together, once in so many milliseconds. */
const LOG_INTERVAL = 10_000;

const Kind = z.enum(['call', 'broadcast']).default('call');

export class RtmpServer {
  readonly #options: RtmpServerOptions;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  readonly #rate = new PrefixRateLimit(CONNECTIONS);
  readonly #pending = new Places(PENDING);
  /** What ends each of them that has not asked to publish, and gives its place back at once; the oldest first. */
  readonly #giveWay = new Set<() => void>();
  readonly #streams = new Places(STREAMS);
  readonly #encodings = new Places({ perNetwork: MAX_ENCODINGS, all: MAX_ENCODINGS });
  #refused = 0;
  #loggedAt = Number.NEGATIVE_INFINITY;

  private constructor(options: RtmpServerOptions, server: Server) {
    this.#options = options;
    this.#server = server;
    server.on('connection', (socket) => this.#accept(socket));
    server.on('error', (err) => options.log.warn({ err }, 'RTMP port failed'));
  }

  /** @returns undefined when ffmpeg is missing or the port cannot be opened, which has been logged: everything else works without */
  static async start(options: RtmpServerOptions): Promise<RtmpServer | undefined> {
    const { host, port, ffmpeg, log } = options;
    if (!(await hasFfmpeg(ffmpeg))) {
      log.warn(
        `WEIR_RTMP_PORT is set, but ${ffmpeg} cannot be run, which RTMP needs: Weir runs without RTMP. Install ffmpeg (on Debian and Ubuntu: apt-get install ffmpeg), or set WEIR_FFMPEG to its path.`,
      );
      return undefined;
    }
    const server = createServer({ pauseOnConnect: false });
    try {
      server.listen({ host, port, exclusive: true });
      await once(server, 'listening');
      return new RtmpServer(options, server);
    } catch (error) {
      const code = errorCode(error);
      const cause = { EADDRINUSE: 'is in use by another program', EACCES: 'requires privileges' }[code ?? ''];
      log.warn(
        `RTMP port ${port} (TCP on ${host}) ${cause ?? `cannot be opened (${code ?? String(error)})`}: Weir runs without RTMP. Choose another port with WEIR_RTMP_PORT, or set it to off.`,
      );
      return undefined;
    }
  }

  get port(): number {
    const address = this.#server.address();
    return address !== null && typeof address === 'object' ? address.port : this.#options.port;
  }

  /** Ends all connections, and with them their streams. */
  close(): void {
    this.#server.close();
    for (const socket of this.#sockets) socket.destroy();
  }

  #accept(socket: Socket): void {
    const address = socket.remoteAddress ?? '';
    const makeRoom = () => {
      const [oldest] = this.#giveWay;
      oldest?.();
    };
    const pending = this.#rate.tryTake(address) ? this.#pending.acquire(address, makeRoom) : undefined;
    if (!pending) {
      socket.destroy();
      this.#logRefusal(address);
      return;
    }
    const held = new DisposableStack();
    held.use(pending);
    this.#sockets.add(socket);
    held.defer(() => this.#sockets.delete(socket));
    const giveWay = () => {
      this.#giveWay.delete(giveWay);
      pending[Symbol.dispose]();
      connection.refuse('There are too many connections that publish nothing: connect again.');
    };
    this.#giveWay.add(giveWay);
    held.defer(() => this.#giveWay.delete(giveWay));
    socket.once('close', () => held.dispose());
    let stream: RtmpStream | undefined;
    const connection: RtmpConnection = new RtmpConnection(socket, {
      publish: async (command) => {
        this.#giveWay.delete(giveWay);
        const admitted = await this.#open(connection, command, address);
        if (held.disposed) throw new WeirError('closed');
        const place = this.#streams.acquire(address);
        if (!place)
          throw new WeirError('busy', 'There are too many streams, of this network or in all: end another one.');
        held.use(place);
        pending[Symbol.dispose]();
        stream = admitted;
      },
      media: (message) => stream?.take(message),
      ended: (why) => {
        stream?.close();
        this.#options.log.info({ address, ...stream?.ids, why }, 'RTMP connection ended');
      },
    });
  }

  #logRefusal(address: string): void {
    this.#refused += 1;
    const now = performance.now();
    if (now - this.#loggedAt < LOG_INTERVAL) return;
    this.#options.log.warn({ address, refused: this.#refused }, 'RTMP connections refused: too many, or too often');
    this.#loggedAt = now;
    this.#refused = 0;
  }

  /** @throws {WeirError} what is wrong with the room or the stream key */
  async #open(source: StreamSource, { app, streamKey }: PublishCommand, address: string): Promise<RtmpStream> {
    const context = this.#options;
    const { room, kind } = readApp(app);
    const hasTokens = context.access.kind === 'token';
    const token = hasTokens ? streamKey : undefined;
    const name = hasTokens ? undefined : DisplayName.safeParse(streamKey).data;
    const admission = await context.rooms.refusals.watch(room, kind, () =>
      context.access.admit({ room, kind, token, role: 'speaker' }),
    );
    return new RtmpStream({ context, source, admission, room, name, address, encodings: this.#encodings });
  }
}

/** `lobby`, or `lobby?kind=broadcast`. @throws {WeirError} `badRequest` */
function readApp(app: string): { room: string; kind: 'call' | 'broadcast' } {
  const url = URL.parse(`rtmp://server/${app.replace(/^\/+/, '')}`);
  const room = RoomName.safeParse(decoded(url?.pathname.replace(/^\/|\/$/g, '') ?? ''));
  if (!room.success) throw new WeirError('badRequest', validationSentence(room.error, 'The room'));
  const kind = Kind.safeParse(url?.searchParams.get('kind') ?? undefined);
  if (!kind.success) throw new WeirError('badRequest', 'The kind of a room is call or broadcast.');
  return { room: room.data, kind: kind.data };
}

function decoded(path: string): string {
  try {
    return decodeURIComponent(path);
  } catch {
    return path;
  }
}
