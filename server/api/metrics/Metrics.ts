/** The metrics of this server: follows its parts, and writes them in the format of Prometheus. */
import type { Transport } from 'mediasoup/types';
import { Lifetime } from '../../common/Lifetime.ts';
import type { WorkerPool } from '../../media/WorkerPool.ts';
import type { RoomManager } from '../../room/RoomManager.ts';
import type { EventLog } from '../events/EventLog.ts';
import { ClientMetrics } from './ClientMetrics.ts';
import { createSeries } from './createSeries.ts';
import { EventLoopDelay } from './EventLoopDelay.ts';
import { EventMetrics } from './EventMetrics.ts';
import { isWebRtc, WorkerMetrics } from './WorkerMetrics.ts';

export interface MetricsOptions {
  readonly pool: WorkerPool;
  readonly rooms: RoomManager;
  readonly events: EventLog;
}

/** How many transports and producers of all workers are polled in a second, at most: less than a hundredth of a core. */
const MAX_POLLED = 50;

export class Metrics {
  readonly #options: MetricsOptions;
  readonly #series = createSeries();
  readonly #workers = new Set<WorkerMetrics>();
  readonly #lifetime = new Lifetime<'closed'>();
  /** CPU time of this process that has been counted, in microseconds. */
  #cpuTime = 0;

  constructor(options: MetricsOptions) {
    this.#options = options;
    const { pool, rooms, events } = options;
    const series = this.#series;
    series.workersConfigured.set(pool.size);
    series.processStart.set(performance.timeOrigin / 1000);
    const delay = new EventLoopDelay((seconds) => series.eventLoopDelay.observe(seconds));
    this.#lifetime.defer(() => delay.close());
    const counted = new EventMetrics(series, events);
    this.#lifetime.defer(() => counted.close());
    const clients = new ClientMetrics(series);
    const stopReports = rooms.onRoomOpened((room) =>
      room.events.on({ joinReported: ({ report }) => clients.add(report) }),
    );
    this.#lifetime.defer(stopReports);
    const maxPolled = Math.ceil(MAX_POLLED / pool.size);
    const stop = pool.onWorker((worker, number) => {
      const metrics = new WorkerMetrics({ worker, number, series, maxPolled });
      this.#workers.add(metrics);
      worker.onEnd((reason) => {
        metrics.collect();
        metrics.close();
        this.#workers.delete(metrics);
        if (reason === 'died') series.workerDeaths.inc();
      });
    });
    this.#lifetime.defer(stop);
    this.#lifetime.defer(() => {
      for (const worker of this.#workers) worker.close();
    });
  }

  get contentType(): string {
    return this.#series.registry.contentType;
  }

  /** All series as text, as they are now. */
  async text(): Promise<string> {
    this.#collect();
    return this.#series.registry.metrics();
  }

  close(): void {
    this.#lifetime.end('closed');
  }

  #collect(): void {
    const series = this.#series;
    const { pool, rooms } = this.#options;
    const { user, system } = process.cpuUsage();
    series.processCpu.inc((user + system - this.#cpuTime) / 1e6);
    this.#cpuTime = user + system;
    series.processMemory.set(process.memoryUsage.rss());
    series.ready.set(pool.complete && !rooms.draining ? 1 : 0);
    series.joinQueue.set(rooms.waiting);
    series.workers.set(pool.workers.length);
    // A worker that has ended, and has not been replaced yet, has no values.
    for (const gauge of [
      series.workerMemory,
      series.workerUtilization,
      series.workerOverloaded,
      series.workerRooms,
      series.samplePeriod,
    ]) {
      gauge.reset();
    }
    for (const worker of this.#workers) worker.collect();
    series.transports.reset();
    for (const { transports } of this.#workers) {
      for (const transport of transports) {
        series.transports.inc({ transport: transport.type, protocol: protocolOf(transport) });
      }
    }
  }
}

function protocolOf(transport: Transport): string {
  if (isWebRtc(transport)) return transport.iceSelectedTuple?.protocol ?? 'none';
  return transport.type === 'direct' ? 'none' : 'udp';
}
