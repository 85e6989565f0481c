/**
 * Counts the media of one worker: asks it for the statistics of a few transports and producers each second, never of all at
 * once. Those of consumers come from the polls that measure the load of the worker anyway.
 */
import type {
  Consumer,
  ConsumerStat,
  PipeTransport,
  PlainTransport,
  Producer,
  ProducerStat,
  Transport,
  WebRtcTransport,
} from 'mediasoup/types';
import type { MediaWorker } from '../../media/MediaWorker.ts';
import { codecName } from './codecName.ts';
import type { Series } from './createSeries.ts';
import { type StreamCounts, StreamTotals } from './StreamTotals.ts';

export interface StreamSamplerOptions {
  readonly worker: MediaWorker;
  readonly series: Series;
  /** How many transports and producers are polled in a second, at most. Each takes about a tenth of a millisecond. */
  readonly maxPolled: number;
}

/** In milliseconds: the interval of polls, and how long it takes to poll each object once while they are few. */
const TIMES = { poll: 1000, period: 5000 };

/** A transport or a producer: reads its statistics and adds them to the totals. */
type Poll = () => Promise<void>;

export class StreamSampler {
  readonly #options: StreamSamplerOptions;
  readonly #timer: NodeJS.Timeout;
  /** What is polled; the one that was polled longest ago comes first. */
  readonly #polls = new Map<object, Poll>();
  readonly #transports = new Set<Transport>();
  readonly #consumers = new WeakMap<Consumer, { readonly transport: string; readonly counts: StreamCounts }>();
  readonly #totals = new Map<string, StreamTotals>();
  readonly #stopListening: () => void;
  #polling = false;

  constructor(options: StreamSamplerOptions) {
    this.#options = options;
    const { events } = options.worker;
    const onTransport = (transport: Transport) => this.#addTransport(transport);
    const onConsumerStats = (consumer: Consumer, stats: (ConsumerStat | ProducerStat)[]) =>
      this.#addConsumerStats(consumer, stats);
    events.on('transport', onTransport);
    events.on('consumerStats', onConsumerStats);
    this.#stopListening = () => {
      events.off('transport', onTransport);
      events.off('consumerStats', onConsumerStats);
    };
    this.#timer = setInterval(() => void this.#poll(), TIMES.poll);
  }

  /** The open transports. */
  get transports(): Iterable<Transport> {
    return this.#transports;
  }

  /** How long it takes until each transport and producer has been polled once, in seconds. */
  get period(): number {
    const perPoll = this.#perPoll;
    return perPoll === 0 ? 0 : (Math.ceil(this.#polls.size / perPoll) * TIMES.poll) / 1000;
  }

  close(): void {
    clearInterval(this.#timer);
    this.#stopListening();
    this.#polls.clear();
    this.#transports.clear();
  }

  get #perPoll(): number {
    return Math.min(this.#options.maxPolled, Math.ceil(this.#polls.size / (TIMES.period / TIMES.poll)));
  }

  async #poll(): Promise<void> {
    // A worker that does not answer gets no further requests.
    if (this.#polling) return;
    this.#polling = true;
    const next = [...this.#polls.entries()].slice(0, this.#perPoll);
    for (const [object, poll] of next) {
      // To the end.
      this.#polls.delete(object);
      this.#polls.set(object, poll);
    }
    // One that has closed meanwhile has no statistics any more.
    await Promise.allSettled(next.map(([, poll]) => poll()));
    this.#polling = false;
  }

  #addTransport(transport: Transport): void {
    const { type, observer } = transport;
    this.#transports.add(transport);
    observer.once('close', () => {
      this.#transports.delete(transport);
      this.#polls.delete(transport);
    });
    observer.on('newproducer', (producer) => this.#addProducer(producer, type));
    observer.on('newconsumer', (consumer) => this.#consumers.set(consumer, { transport: type, counts: new Map() }));
    // What the server itself handles in Node.js is not between it and clients.
    if (hasNetwork(transport)) this.#polls.set(transport, this.#transportPoll(transport));
  }

  #transportPoll(transport: NetworkTransport): Poll {
    const { transportBytes } = this.#options.series;
    let [received, sent] = [0, 0];
    return async () => {
      const [stats] = await transport.getStats();
      if (!stats) return;
      const { bytesReceived, bytesSent } = stats;
      transportBytes.inc({ direction: 'in', transport: transport.type }, Math.max(0, bytesReceived - received));
      transportBytes.inc({ direction: 'out', transport: transport.type }, Math.max(0, bytesSent - sent));
      [received, sent] = [bytesReceived, bytesSent];
    };
  }

  #addProducer(producer: Producer, transport: string): void {
    const counts: StreamCounts = new Map();
    this.#polls.set(producer, async () => {
      for (const stats of await producer.getStats()) this.#totalsOf('in', transport, stats).add(counts, stats);
    });
    producer.observer.once('close', () => this.#polls.delete(producer));
  }

  #addConsumerStats(consumer: Consumer, rows: readonly (ConsumerStat | ProducerStat)[]): void {
    const known = this.#consumers.get(consumer);
    if (!known) return;
    for (const stats of rows) {
      // The other row is that of its producer.
      if (stats.type === 'outbound-rtp') this.#totalsOf('out', known.transport, stats).add(known.counts, stats);
    }
  }

  #totalsOf(direction: 'in' | 'out', transport: string, { mimeType }: ConsumerStat | ProducerStat): StreamTotals {
    const labels = {
      direction,
      transport,
      kind: mimeType.split('/')[0]?.toLowerCase() ?? '',
      codec: codecName(mimeType),
    };
    const key = Object.values(labels).join(' ');
    const known = this.#totals.get(key);
    if (known) return known;
    const totals = new StreamTotals(this.#options.series, labels);
    this.#totals.set(key, totals);
    return totals;
  }
}

type NetworkTransport = WebRtcTransport | PlainTransport | PipeTransport;

function hasNetwork(transport: Transport): transport is NetworkTransport {
  return transport.type !== 'direct';
}
