/** The RTMP port: encoders that have nothing else publish into a room, as rtmp://<server>/<room> with a token as stream key. */
import { once } from 'node:events';
import { createServer, type Server, type Socket } from 'node:net';
import { z } from 'zod';
import { WeirError } from '../../../shared/errors.ts';
import { DisplayName, RoomName } from '../../../shared/participants.ts';
import { validationSentence } from '../../../shared/validation.ts';
import { ConnectionLimit } from '../../common/ConnectionLimit.ts';
import { errorCode } from '../../common/errno.ts';
import { hasFfmpeg } from './FfmpegRelay.ts';
import { type PublishCommand, RtmpConnection } from './RtmpConnection.ts';
import { type RtmpContext, RtmpStream, type StreamSource } from './RtmpStream.ts';

export interface RtmpServerOptions extends RtmpContext {
  readonly host: string;
  /** 0 for any. */
  readonly port: number;
}

/** Connections at a time, of one network and of all: each stream has a process. */
const LIMITS = { perNetwork: 10, all: 100 };

const Kind = z.enum(['call', 'broadcast']).default('call');

export class RtmpServer {
  readonly #options: RtmpServerOptions;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  readonly #perNetwork = new ConnectionLimit(LIMITS.perNetwork);

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
    const place = this.#sockets.size < LIMITS.all ? this.#perNetwork.acquire(address) : undefined;
    if (!place) {
      this.#options.log.info({ address }, 'too many RTMP connections');
      socket.destroy();
      return;
    }
    this.#sockets.add(socket);
    socket.once('close', () => {
      this.#sockets.delete(socket);
      place[Symbol.dispose]();
    });
    let stream: RtmpStream | undefined;
    const connection: RtmpConnection = new RtmpConnection(socket, {
      publish: async (command) => {
        stream = await this.#open(connection, command);
      },
      media: (message) => stream?.take(message),
      ended: (why) => {
        stream?.close();
        this.#options.log.info({ address, why }, 'RTMP connection ended');
      },
    });
  }

  /** @throws {WeirError} what is wrong with the room or the stream key */
  async #open(source: StreamSource, { app, streamKey }: PublishCommand): Promise<RtmpStream> {
    const context = this.#options;
    const { room, kind } = readApp(app);
    const hasTokens = context.access.kind === 'token';
    const token = hasTokens ? streamKey : undefined;
    const name = hasTokens ? undefined : DisplayName.safeParse(streamKey).data;
    const admission = await context.access.admit({ room, kind, token, role: 'speaker' });
    return new RtmpStream({ context, source, admission, room, name });
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
