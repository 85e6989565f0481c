/** What `/metrics` says of one media worker, from its start to its end. */
import { readFileSync } from 'node:fs';
import type { Transport, WebRtcTransport } from 'mediasoup/types';
import { Lifetime } from '../../common/Lifetime.ts';
import type { MediaWorker } from '../../media/MediaWorker.ts';
import type { Series } from './createSeries.ts';
import { StreamSampler } from './StreamSampler.ts';

export interface WorkerMetricsOptions {
  readonly worker: MediaWorker;
  /** Its number among the workers of the server, from 0; a replacement has that of the one before. */
  readonly number: number;
  readonly series: Series;
  /** As `StreamSampler` takes it. */
  readonly maxPolled: number;
}

/** Bytes of a page of memory, in which Linux counts. */
const PAGE = 4096;

export class WorkerMetrics {
  readonly #options: WorkerMetricsOptions;
  readonly #sampler: StreamSampler;
  readonly #lifetime = new Lifetime<'closed'>();
  readonly #label: { readonly worker: string };
  /** CPU time that has been counted, in milliseconds. */
  #cpuTime = 0;

  constructor(options: WorkerMetricsOptions) {
    const { worker, number, series, maxPolled } = options;
    this.#options = options;
    this.#label = { worker: String(number) };
    this.#sampler = new StreamSampler({ worker, series, maxPolled });
    this.#lifetime.defer(() => this.#sampler.close());
    const responses = series.workerResponse.labels(this.#label);
    const onResponse = (time: number) => responses.observe(time / 1000);
    worker.events.on('response', onResponse);
    this.#lifetime.defer(() => worker.events.off('response', onResponse));
    const onTransport = (transport: Transport) => isWebRtc(transport) && this.#follow(transport);
    worker.events.on('transport', onTransport);
    this.#lifetime.defer(() => worker.events.off('transport', onTransport));
  }

  get transports(): Iterable<Transport> {
    return this.#sampler.transports;
  }

  /** Sets the series of this worker to what is so now. */
  collect(): void {
    const { worker, series } = this.#options;
    const { load } = worker;
    const label = this.#label;
    series.workerCpu.inc(label, Math.max(0, load.cpuTime - this.#cpuTime) / 1000);
    this.#cpuTime = load.cpuTime;
    const memory = residentMemory(worker.pid);
    if (memory !== undefined) series.workerMemory.set(label, memory);
    series.workerUtilization.set(label, load.utilization);
    series.workerOverloaded.set(label, worker.overloaded ? 1 : 0);
    series.workerRooms.set(label, worker.routers);
    series.samplePeriod.set(label, this.#sampler.period);
  }

  close(): void {
    this.#lifetime.end('closed');
  }

  #follow({ observer }: WebRtcTransport): void {
    const { iceSelections, iceDisconnections, dtlsFailures } = this.#options.series;
    observer.on('iceselectedtuplechange', ({ protocol }) => iceSelections.inc({ protocol }));
    observer.on('icestatechange', (state) => state === 'disconnected' && iceDisconnections.inc());
    observer.on('dtlsstatechange', (state) => state === 'failed' && dtlsFailures.inc());
  }
}

export function isWebRtc(transport: Transport): transport is WebRtcTransport {
  return transport.type === 'webrtc';
}

/** @returns bytes; undefined where the system does not say so, or the process has ended */
function residentMemory(pid: number): number | undefined {
  try {
    return Number(readFileSync(`/proc/${pid}/statm`, 'utf8').split(' ')[1]) * PAGE;
  } catch {
    return undefined;
  }
}
