/** Owns how busy one media worker is: its own CPU and the packets that it sends, as means over the last ten seconds. */
import type { Consumer } from 'mediasoup/types';

export interface WorkerLoadOptions {
  /** CPU time of the worker since its start, in milliseconds. */
  cpuTime(): Promise<number>;
  /** Packets a second that a worker is taken to be full with. */
  readonly capacity: number;
}

/** Over what the means are, and how often is looked, in milliseconds. */
const TIMES = { window: 10_000, every: 1000 };
/** Consumers that are asked for their packets at one look, at most: a question costs a tenth of a millisecond. */
const MAX_POLLED = 40;
/** Packets a second that somebody who has just come is taken to cost until it shows: a picture and some voices. */
const JOIN_COST_PPS = 250;

/** Somebody's time on a worker. */
export interface LoadReservation extends Disposable {
  /** They are about to be sent something. */
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
  /** Those who have been placed here, and since when they may cost something; not yet for those who wait for it. */
  readonly #reservations = new Set<{ since: number | undefined }>();
  #cpuSamples: { readonly time: number; readonly at: number }[] = [];
  #cpu = 0;
  #packets = 0;
  #polling = false;

  constructor(options: WorkerLoadOptions) {
    this.#options = options;
    this.#timer = setInterval(() => void this.#poll(), TIMES.every);
  }

  /** The share of one core that the worker used. */
  get cpu(): number {
    return this.#cpu;
  }

  /** Packets a second that its consumers sent. */
  get packets(): number {
    return this.#packets;
  }

  /**
   * How full it is, 1 being as much as it can: CPU or packets, whichever is more, and what those are going to cost who came
   * so lately that neither shows it yet.
   */
  get utilization(): number {
    const now = performance.now();
    let coming = 0;
    for (const newcomer of this.#reservations) {
      const left = newcomer.since === undefined ? 1 : 1 - (now - newcomer.since) / TIMES.window;
      if (left > 0) coming += JOIN_COST_PPS * left;
      else this.#reservations.delete(newcomer);
    }
    const { capacity } = this.#options;
    return Math.max(this.#cpu, this.#packets / capacity) + coming / capacity;
  }

  /**
   * Somebody is placed here; dispose of it when they leave.
   * @param waits nothing is sent to them yet: they count until `begin()`, and so long after it as it takes to show
   */
  reserve(waits: boolean): LoadReservation {
    const newcomer = { since: waits ? undefined : performance.now() };
    this.#reservations.add(newcomer);
    return {
      activate() {
        newcomer.since ??= performance.now();
      },
      [Symbol.dispose]: () => this.#reservations.delete(newcomer),
    };
  }

  /** Counts what that consumer sends, as long as it is open. */
  count(consumer: Consumer): void {
    this.#consumers.set(consumer, undefined);
    consumer.observer.once('close', () => this.#consumers.delete(consumer));
  }

  close(): void {
    clearInterval(this.#timer);
    this.#consumers.clear();
  }

  async #poll(): Promise<void> {
    // One that does not answer is not asked again and again.
    if (this.#polling) return;
    this.#polling = true;
    try {
      const time = await this.#options.cpuTime();
      this.#noteCpu(time, performance.now());
      await Promise.all(this.#next().map((consumer) => this.#pollConsumer(consumer)));
      this.#packets = this.#estimate();
    } catch {
      // The worker has ended, and this with it.
    } finally {
      this.#polling = false;
    }
  }

  #noteCpu(time: number, at: number): void {
    this.#cpuSamples.push({ time, at });
    while (this.#cpuSamples.length > 2 && at - (this.#cpuSamples[0]?.at ?? at) > TIMES.window) this.#cpuSamples.shift();
    const first = this.#cpuSamples[0];
    if (first && at > first.at) this.#cpu = (time - first.time) / (at - first.at);
  }

  /** Those that were asked longest ago: a Map keeps them in that order. */
  #next(): Consumer[] {
    const share = Math.ceil(this.#consumers.size / (TIMES.window / TIMES.every));
    return [...this.#consumers.keys()].slice(0, Math.min(MAX_POLLED, share));
  }

  async #pollConsumer(consumer: Consumer): Promise<void> {
    const stats = await consumer.getStats();
    const last = this.#consumers.get(consumer);
    if (!this.#consumers.delete(consumer)) return;
    const at = performance.now();
    const count = stats.reduce((sum, row) => sum + (row.type === 'outbound-rtp' ? row.packetCount : 0), 0);
    const rate = last ? ((count - last.count) * 1000) / (at - last.at) : Number.NaN;
    this.#consumers.set(consumer, { count, at, rate });
  }

  /** Those that nobody has asked twice yet count as the others do. */
  #estimate(): number {
    const rates = [...this.#consumers.values()].flatMap((sample) =>
      sample && !Number.isNaN(sample.rate) ? sample.rate : [],
    );
    if (rates.length === 0) return 0;
    return (rates.reduce((sum, rate) => sum + rate, 0) / rates.length) * this.#consumers.size;
  }
}
