/** One mediasoup worker process with its WebRtcServer: one port, UDP and TCP, for all of its transports, on each listening address. */
import { EventEmitter, once } from 'node:events';
import { accessSync, constants, statSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { createWorker, workerBin } from 'mediasoup';
import type {
  Consumer,
  ConsumerStat,
  ProducerStat,
  Router,
  Transport,
  WebRtcServer,
  WebRtcTransport,
  Worker,
} from 'mediasoup/types';
import type { Logger } from 'pino';
import type { IceCandidate } from '../../shared/media.ts';
import { Lifetime } from '../common/Lifetime.ts';
import { iceCandidates } from './iceCandidates.ts';
import { dataTransportOptions, listenInfos, mediaCodecs, webRtcTransportOptions } from './options.ts';
import { ResponseTimes } from './ResponseTimes.ts';
import { Watchdog } from './Watchdog.ts';
import { WorkerLoad } from './WorkerLoad.ts';

const launcher = fileURLToPath(new URL('launch-worker.sh', import.meta.url));
/** How long a closed worker may take to exit before it is killed, in milliseconds. */
const EXIT_TIMEOUT = 3000;
/** The share of one core, as a mean over ten seconds, above which a worker cannot keep up: it has one thread for media. */
const MAX_CPU = 0.95;

export interface MediaWorkerOptions {
  readonly listen: MediaListen;
  readonly port: number;
  /** How long the worker may take to answer before it counts as frozen and is killed, in milliseconds. */
  readonly responseTimeout: number;
  /** Packets per second at which the worker counts as fully utilized. */
  readonly capacity: number;
  readonly log: Logger;
}

/** A media worker does not start; the message says why, and what to do. */
export class MediaWorkerError extends Error {
  override readonly name = 'MediaWorkerError';
}

export interface TransportOptions {
  /** For data channels instead of media. */
  readonly forData?: boolean | undefined;
  /** How long ICE consent may be missing before the transport counts as disconnected, in seconds, up to 60. */
  readonly iceConsentTimeout?: number | undefined;
}

export interface MediaListen {
  /** Local IP addresses; an IPv6 address takes no IPv4 packets. At least one. */
  readonly ips: readonly string[];
  /** Read anew for each transport, since addresses change while the server runs. */
  readonly announced: AddressSource;
}

/** What features that observe a worker are notified of. */
export interface MediaWorkerEvents {
  /** A transport of any type has been created on it; its producers and consumers come later. */
  transport: [transport: Transport];
  /** The statistics of a consumer, which is polled now and then for the load of the worker. */
  consumerStats: [consumer: Consumer, stats: (ConsumerStat | ProducerStat)[]];
  /** It has answered a request after so many milliseconds, without delays of this process. */
  response: [time: number];
}

export interface AddressSource {
  /** The IP addresses that browsers are told now, in order of preference, of families in `ips` only; at least one. */
  readonly addresses: readonly string[];
}

export class MediaWorker {
  readonly events = new EventEmitter<MediaWorkerEvents>();
  readonly #worker: Worker;
  readonly #webRtcServer: WebRtcServer;
  readonly #announced: AddressSource;
  readonly #lifetime = new Lifetime<'closed' | 'died'>();
  readonly #exited: Promise<unknown>;
  readonly #watchdog: Watchdog;
  readonly #responseTimes: ResponseTimes;
  readonly load: WorkerLoad;
  readonly port: number;
  #routers = 0;

  private constructor(worker: Worker, webRtcServer: WebRtcServer, options: MediaWorkerOptions) {
    const { listen, port, responseTimeout, capacity, log } = options;
    this.#worker = worker;
    this.#webRtcServer = webRtcServer;
    this.#announced = listen.announced;
    this.port = port;
    this.#exited = once(worker, 'subprocessclose');
    this.#lifetime.defer(() => worker.close());
    this.#watchdog = new Watchdog({
      ask: () => worker.getResourceUsage(),
      responseTimeout,
      onSilence: () => {
        log.error({ pid: worker.pid, port }, 'media worker does not answer; killing it');
        process.kill(worker.pid, 'SIGKILL');
      },
    });
    this.#lifetime.defer(() => this.#watchdog.close());
    this.load = new WorkerLoad({
      cpuTime: () => cpuTime(worker),
      capacity,
      onConsumerStats: (consumer, stats) => this.events.emit('consumerStats', consumer, stats),
    });
    this.#lifetime.defer(() => this.load.close());
    this.#responseTimes = new ResponseTimes({
      ask: () => worker.getResourceUsage(),
      onResponse: (time) => this.events.emit('response', time),
    });
    this.#lifetime.defer(() => this.#responseTimes.close());
    worker.once('died', () => this.#lifetime.end('died'));
  }

  /**
   * Starts a worker that listens on `port`, UDP and TCP.
   * @throws {Error} when the worker does not start or the port is taken; no process is left behind
   */
  static async start(options: MediaWorkerOptions): Promise<MediaWorker> {
    const { listen, port, responseTimeout, log } = options;
    const worker = await spawnWorker();
    try {
      // A worker that freezes here has no watchdog yet; killing it makes the request fail.
      const startupTimeout = setTimeout(() => process.kill(worker.pid, 'SIGKILL'), responseTimeout);
      const webRtcServer = await worker
        .createWebRtcServer({ listenInfos: listenInfos(listen.ips, port) })
        .finally(() => clearTimeout(startupTimeout));
      log.debug({ pid: worker.pid, port }, 'media worker started');
      return new MediaWorker(worker, webRtcServer, options);
    } catch (error) {
      worker.close();
      throw error;
    }
  }

  get pid(): number {
    return this.#worker.pid;
  }

  /** Whether the worker answers in time. */
  get responsive(): boolean {
    return this.#watchdog.responsive;
  }

  /** Whether it does not keep up: its process gets too little CPU time, or has had too little some seconds ago. */
  get overloaded(): boolean {
    return this.#responseTimes.slow || this.load.cpu > MAX_CPU;
  }

  /** How many routers it has, one per room: new rooms are placed by it. */
  get routers(): number {
    return this.#routers;
  }

  /** Runs `listener` once this worker has ended: `died` when it was not closed. */
  onEnd(listener: (reason: 'closed' | 'died') => void): void {
    this.#lifetime.defer(listener);
  }

  /** Creates a router with the codecs of this server. @throws what mediasoup throws when the worker has ended */
  async createRouter(): Promise<Router> {
    this.#routers += 1;
    try {
      const router = await this.#worker.createRouter({ mediaCodecs });
      router.observer.once('close', () => {
        this.#routers -= 1;
      });
      router.observer.on('newtransport', (transport) => {
        transport.observer.on('newconsumer', (consumer) => this.load.count(consumer));
        this.events.emit('transport', transport);
      });
      return router;
    } catch (error) {
      this.#routers -= 1;
      throw error;
    }
  }

  /**
   * Creates a transport on one of this worker's routers, on this worker's port.
   * @throws as `createRouter`
   */
  createTransport(router: Router, { forData, iceConsentTimeout }: TransportOptions = {}): Promise<WebRtcTransport> {
    return router.createWebRtcTransport({
      ...webRtcTransportOptions,
      ...(forData && dataTransportOptions),
      ...(iceConsentTimeout !== undefined && { iceConsentTimeout }),
      webRtcServer: this.#webRtcServer,
    });
  }

  /** The ICE candidates of each of its transports: they share the worker's port. */
  get iceCandidates(): IceCandidate[] {
    return iceCandidates(this.#announced.addresses, this.port);
  }

  /** Closes the worker and waits until its process is gone. */
  async close(): Promise<void> {
    this.#lifetime.end('closed');
    if (this.#worker.subprocessClosed) return;
    const killer = setTimeout(() => process.kill(this.#worker.pid, 'SIGKILL'), EXIT_TIMEOUT);
    await this.#exited;
    clearTimeout(killer);
  }
}

/** CPU time of the worker since its start, in milliseconds. */
async function cpuTime(worker: Worker): Promise<number> {
  const { ru_utime, ru_stime } = await worker.getResourceUsage();
  return ru_utime + ru_stime;
}

/**
 * mediasoup adds listeners to this process that close the worker at the first SIGINT or SIGTERM. Weir closes its
 * workers itself, in order, and removes them again; `createWorker` adds them before it first awaits.
 */
function spawnWorker(): Promise<Worker> {
  // The launcher script starts the binary that this variable names.
  process.env.MEDIASOUP_WORKER_BIN ??= workerBin;
  const binary = process.env.MEDIASOUP_WORKER_BIN;
  if (!isExecutable(binary)) {
    return Promise.reject(
      new MediaWorkerError(
        `The media worker ${binary} does not exist, or cannot be executed: \`npm run setup\` makes one, or MEDIASOUP_WORKER_BIN names one.`,
      ),
    );
  }
  const signals = ['SIGINT', 'SIGTERM'] as const;
  const before = signals.map((signal) => new Set(process.listeners(signal)));
  const worker = createWorker({ logLevel: 'warn', workerBin: launcher });
  signals.forEach((signal, index) => {
    for (const listener of process.listeners(signal)) {
      if (!before[index]?.has(listener)) process.removeListener(signal, listener);
    }
  });
  return worker.catch((error: unknown) => {
    // mediasoup's error for a process that has ended before it reported to be running.
    const [, how] = (error instanceof Error && /^\[pid:\d+, (.+)\]$/.exec(error.message)) || [];
    if (how === undefined) throw error;
    throw new MediaWorkerError(
      `The media worker ${binary} ended as soon as it was started (${how}): it may be for another system. \`npm run setup\` makes one for this.`,
      { cause: error },
    );
  });
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile();
  } catch {
    return false;
  }
}
