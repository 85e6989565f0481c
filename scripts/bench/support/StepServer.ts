/**
 * The reference server of the join benchmarks: the same workers, codecs, transports and channel as Weir, in steps that
 * each wait for the one before, as most mediasoup applications do.
 *
 * Run directly (`node scripts/bench/support/StepServer.ts`), it reads Weir's `WEIR_*` variables, prints one line `{
 * "url": ..., "workers": [pid, ...] }`, and ends on SIGTERM or SIGINT.
 */
import { once } from 'node:events';
import { type Logger, pino } from 'pino';
import { type WebSocket, WebSocketServer } from 'ws';
import type { Config } from '../../../server/config/Config.ts';
import { readConfig } from '../../../server/config/readConfig.ts';
import { AnnouncedAddresses } from '../../../server/ice/AnnouncedAddresses.ts';
import { RoomRouter } from '../../../server/media/RoomRouter.ts';
import { WorkerPool } from '../../../server/media/WorkerPool.ts';
import { StepPeer, type StepPeerOptions } from './StepPeer.ts';
import { STEP_PATH } from './stepProtocol.ts';
import { Traffic } from './Traffic.ts';

export interface StepServerOptions {
  /** Default `oneByOne`; mediasoup-demo's own server creates a new member's consumers `atOnce`. */
  readonly consumers?: StepPeerOptions['consumers'];
  readonly log?: Logger;
}

/** A room: its router, and everyone whose socket is open. */
class Room {
  readonly router: RoomRouter;
  readonly peers = new Set<StepPeer>();

  constructor(router: RoomRouter) {
    this.router = router;
  }

  others(than: StepPeer): readonly StepPeer[] {
    return [...this.peers].filter((peer) => peer !== than && peer.joined);
  }
}

export class StepServer implements AsyncDisposable {
  readonly pool: WorkerPool;
  /** Signalling traffic of all clients together. */
  readonly traffic = new Traffic();
  readonly #config: Config;
  readonly #options: StepServerOptions;
  readonly #log: Logger;
  readonly #sockets: WebSocketServer;
  readonly #rooms = new Map<string, Promise<Room>>();

  private constructor(pool: WorkerPool, config: Config, options: StepServerOptions, log: Logger) {
    this.pool = pool;
    this.#config = config;
    this.#options = options;
    this.#log = log;
    this.#sockets = new WebSocketServer({
      host: config.host,
      port: config.port,
      path: STEP_PATH,
      maxPayload: config.maxMessageBytes,
      perMessageDeflate: false,
    });
    this.#sockets.on('connection', (socket, request) => {
      const { searchParams } = new URL(request.url ?? '', 'http://steps');
      // Do not lose messages that the client sends before the room is open.
      socket.pause();
      this.#admit(socket, searchParams.get('room') ?? '').catch((error: unknown) => {
        log.warn({ err: error }, 'a client was not let in');
        socket.terminate();
      });
    });
  }

  /** Starts it with Weir's configuration, without the abuse limits. Nothing is left behind on failure. */
  static async start(config: Config, options: StepServerOptions = {}): Promise<StepServer> {
    const log = options.log ?? pino({ level: config.logLevel }, process.stderr);
    const { announcedAddresses: configured, rtcHosts: ips } = config;
    const announced = await AnnouncedAddresses.start({ configured, listening: ips, log });
    // The addresses of a benchmark do not change.
    announced.close();
    const pool = await WorkerPool.start({
      count: config.workers,
      listen: { ips, announced },
      firstPort: config.rtcPort,
      responseTimeout: config.workerResponseTimeout,
      limits: config.load,
      log,
    });
    try {
      const server = new StepServer(pool, config, options, log);
      await once(server.#sockets, 'listening');
      return server;
    } catch (error) {
      await pool.close();
      throw error;
    }
  }

  /** `http://<host>:<port>` */
  get url(): string {
    const address = this.#sockets.address();
    const port = address !== null && typeof address === 'object' ? address.port : this.#config.port;
    return `http://${this.#config.host === '0.0.0.0' ? '127.0.0.1' : this.#config.host}:${port}`;
  }

  /** Rooms that are open. */
  get rooms(): number {
    return this.#rooms.size;
  }

  /** Current consumers of all members. */
  async consumers(): Promise<number> {
    const rooms = await Promise.all(this.#rooms.values());
    return rooms.flatMap(({ peers }) => [...peers]).reduce((sum, peer) => sum + peer.consumers, 0);
  }

  async close(): Promise<void> {
    for (const socket of this.#sockets.clients) socket.terminate();
    await new Promise((resolve) => this.#sockets.close(resolve));
    await this.pool.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #admit(socket: WebSocket, name: string): Promise<void> {
    const opening = this.#rooms.get(name) ?? this.#open(name);
    const room = await opening;
    if (socket.readyState !== socket.OPEN) {
      this.#closeIfEmpty(name, room);
      return;
    }
    const peer = new StepPeer(socket, {
      room,
      traffic: this.traffic,
      maxIncomingBitrate: this.#config.maxIncomingBitrate,
      consumers: this.#options.consumers ?? 'oneByOne',
      onFailure: (error) => this.#log.warn({ err: error }, 'a step failed'),
    });
    room.peers.add(peer);
    peer.onEnd(() => {
      room.peers.delete(peer);
      this.#closeIfEmpty(name, room);
    });
    socket.resume();
  }

  #open(name: string): Promise<Room> {
    const opening = RoomRouter.open(this.pool.selectForRoom()).then((router) => new Room(router));
    this.#rooms.set(name, opening);
    opening.catch(() => this.#rooms.delete(name));
    return opening;
  }

  #closeIfEmpty(name: string, room: Room): void {
    if (room.peers.size > 0) return;
    this.#rooms.delete(name);
    room.router.close();
  }
}

if (import.meta.main) {
  const { config } = readConfig(process.env);
  const server = await StepServer.start(config, {
    consumers: process.argv.includes('--at-once') ? 'atOnce' : 'oneByOne',
  });
  process.stdout.write(`${JSON.stringify({ url: server.url, workers: server.pool.workers.map(({ pid }) => pid) })}\n`);
  await Promise.race([once(process, 'SIGTERM'), once(process, 'SIGINT')]);
  await server.close();
}
