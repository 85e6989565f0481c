/** The load of one media worker: its CPU time and the packets that it sends, as means over the last ten seconds. */
import type { Consumer, ConsumerStat, ProducerStat } from 'mediasoup/types';

export interface WorkerLoadOptions {
  /** CPU time of the worker since its start, in milliseconds. */
  cpuTime(): Promise<number>;
  /** Packets per second at which a worker counts as fully utilized. */
  readonly capacity: number;
  /** Called with the statistics of each consumer that is polled. */
  onConsumerStats?(consumer: Consumer, stats: (ConsumerStat | ProducerStat)[]): void;
}

/** The time that the means cover, and the interval of polls, in milliseconds. */
const TIMES = { window: 10_000, poll: 1000 };
/** How many consumers are polled at once, at most: each request takes a tenth of a millisecond. */
const MAX_POLLED = 40;
/** Packets per second that a peer is assumed to cost until they can be measured: a video and some audio. */
const JOIN_COST_PPS = 250;

/** A peer's place on a worker; dispose of it when the peer leaves. */
export interface LoadReservation extends Disposable {
  /** The peer is about to be sent media. */
  activate(): void;
}

interface Sample {
  readonly count: number;
  readonly at: number;
  readonly rate: number;
}

export class WorkerLoad {
  readonly #options: WorkerLoadOptions;
  readonly #timer: NodeJS.Timeout;
  readonly #consumers = new Map<Consumer, Sample | undefined>();
  /**
   * The peers that are placed here, with the time (`performance.now()`) since which they receive media; undefined
   * before.
   */
  readonly #reservations = new Set<{ since: number | undefined }>();
  #cpuSamples: { readonly time: number; readonly at: number }[] = [];
  #cpu = 0;
  #cpuTime = 0;
  #packets = 0;
  #polling = false;

  constructor(options: WorkerLoadOptions) {
    this.#options = options;
    this.#timer = setInterval(() => void this.#poll(), TIMES.poll);
  }

  /** The share of one core that the worker uses. */
  get cpu(): number {
    return this.#cpu;
  }

  /** CPU time of the worker since its start when it was last polled, in milliseconds. */
  get cpuTime(): number {
    return this.#cpuTime;
  }

  /** Packets per second that its consumers send. */
  get packets(): number {
    return this.#packets;
  }

  /**
   * How utilized the worker is, from 0; 1 is as much as it can do. CPU or packets, whichever is more, and what peers
   * that joined too recently to be measured are going to cost.
   */
  get utilization(): number {
    const now = performance.now();
    let expected = 0;
    for (const reservation of this.#reservations) {
      const left = reservation.since === undefined ? 1 : 1 - (now - reservation.since) / TIMES.window;
      if (left > 0) expected += JOIN_COST_PPS * left;
      else this.#reservations.delete(reservation);
    }
    const { capacity } = this.#options;
    return Math.max(this.#cpu, this.#packets / capacity) + expected / capacity;
  }

  /**
   * Places a peer here; dispose of it when the peer leaves.
   * @param waits nothing is sent to the peer before `activate()`: it counts until then, and until it can be measured
   */
  reserve(waits: boolean): LoadReservation {
    const reservation = { since: waits ? undefined : performance.now() };
    this.#reservations.add(reservation);
    return {
      activate() {
        reservation.since ??= performance.now();
      },
      [Symbol.dispose]: () => this.#reservations.delete(reservation),
    };
  }

  /** Counts the packets of a consumer until it closes. */
  count(consumer: Consumer): void {
    this.#consumers.set(consumer, undefined);
    consumer.observer.once('close', () => this.#consumers.delete(consumer));
  }

  close(): void {
    clearInterval(this.#timer);
    this.#consumers.clear();
  }

  async #poll(): Promise<void> {
    // A worker that does not answer gets no further requests.
    if (this.#polling) return;
    this.#polling = true;
    try {
      const time = await this.#options.cpuTime();
      this.#cpuTime = time;
      this.#addCpuSample(time, performance.now());
      await Promise.all(this.#next().map((consumer) => this.#pollConsumer(consumer)));
      this.#packets = this.#estimate();
    } catch {
      // The worker has ended.
    } finally {
      this.#polling = false;
    }
  }

  #addCpuSample(time: number, at: number): void {
    this.#cpuSamples.push({ time, at });
    while (this.#cpuSamples.length > 2 && at - (this.#cpuSamples[0]?.at ?? at) > TIMES.window) this.#cpuSamples.shift();
    const first = this.#cpuSamples[0];
    if (first && at > first.at) this.#cpu = (time - first.time) / (at - first.at);
  }

  /** The consumers that were polled longest ago: polling moves a consumer to the end of the Map. */
  #next(): Consumer[] {
    const share = Math.ceil(this.#consumers.size / (TIMES.window / TIMES.poll));
    return [...this.#consumers.keys()].slice(0, Math.min(MAX_POLLED, share));
  }

  async #pollConsumer(consumer: Consumer): Promise<void> {
    const stats = await consumer.getStats();
    const last = this.#consumers.get(consumer);
    if (!this.#consumers.delete(consumer)) return;
    this.#options.onConsumerStats?.(consumer, stats);
    const at = performance.now();
    const count = stats.reduce((sum, row) => sum + (row.type === 'outbound-rtp' ? row.packetCount : 0), 0);
    const rate = last ? ((count - last.count) * 1000) / (at - last.at) : Number.NaN;
    this.#consumers.set(consumer, { count, at, rate });
  }

  /** Consumers that have not been polled twice yet count as the mean of the others. */
  #estimate(): number {
    const rates = [...this.#consumers.values()].flatMap((sample) =>
      sample && !Number.isNaN(sample.rate) ? sample.rate : [],
    );
    if (rates.length === 0) return 0;
    return (rates.reduce((sum, rate) => sum + rate, 0) / rates.length) * this.#consumers.size;
  }
}
