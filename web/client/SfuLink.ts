/** Owns the media between this client and the SFU: the device, both transports, producers and consumers. */
import { Device, type types } from 'mediasoup-client';
import { WeirError } from '../../shared/errors.ts';
import { kindOf, RtpCapabilities, RtpParameters, type Source, type TransportInfo } from '../../shared/media.ts';
import type { ConsumerInfo } from '../../shared/protocol.ts';
import { encodingsOf, producerOptionsOf } from './encodings.ts';
import type { Connection } from './events.ts';
import type { earlyHandler } from './handler.ts';
import { IceRestarts } from './IceRestarts.ts';
import type { Request } from './Line.ts';

type Transport = types.Transport;
type Producer = types.Producer;
type Consumer = types.Consumer;

/** A level that is older than this says nothing of now, in milliseconds. */
const LEVEL_AGE = 500;

export interface SfuLinkOptions {
  readonly device: Device;
  readonly request: Request;
  readonly transports: { send?: TransportInfo; recv?: TransportInfo };
  onTrack(info: ConsumerInfo, track: MediaStreamTrack): void;
  onTrackEnded(info: ConsumerInfo): void;
  /** A source of ours ended and nobody asked it to: its track did. */
  onSourceEnded(source: Source): void;
  /** `connection` has changed. */
  onConnection(): void;
  /** Media is not to be had on this link any more: a transport found no way, was refused, or broke. */
  onFailed(): void;
}

/**
 * The client end of both transports. It never waits for the server where it need not: mediasoup-client's callbacks are
 * answered at once, and an object that the server refuses is closed.
 */
export class SfuLink {
  readonly #options: SfuLinkOptions;
  readonly #send: Transport | undefined;
  readonly #recv: Transport | undefined;
  readonly #producers = new Map<Source, Producer>();
  readonly #publishing = new Map<Source, Promise<Producer>>();
  /** The server's answer to each `produce`, by the id that mediasoup-client knows the producer by. */
  readonly #answers = new Map<string, Promise<unknown>>();
  readonly #consumers = new Map<string, { info: ConsumerInfo; consumer: Consumer }>();
  /** Consumers that the server closed before they were made here. */
  readonly #closedEarly = new Set<string>();
  readonly #making = new Set<string>();
  readonly #restarts: IceRestarts;
  #nextLocalId = 1;
  #wasConnected = false;

  constructor(options: SfuLinkOptions) {
    this.#options = options;
    const { send, recv } = options.transports;
    this.#send = send && this.#connecting(options.device.createSendTransport(toOptions(send)));
    this.#recv = recv && this.#connecting(options.device.createRecvTransport(toOptions(recv)));
    this.#restarts = new IceRestarts({
      restart: () => this.#restartIce(),
      connection: () => this.connection,
      onHopeless: () => options.onFailed(),
    });
    this.#send?.on('produce', ({ rtpParameters, appData }, callback, errback) => {
      const { source, paused } = appData;
      const parsed = RtpParameters.safeParse(rtpParameters);
      if (!isSource(source) || !parsed.success) {
        errback(new WeirError('incapable', undefined, { cause: parsed.error }));
        return;
      }
      const id = String(this.#nextLocalId++);
      const answer = options.request('produce', {
        source,
        rtpParameters: parsed.data,
        paused: paused === true,
      });
      // Whoever publishes awaits it; until then it must not count as unhandled.
      answer.catch(() => {});
      this.#answers.set(id, answer);
      callback({ id });
    });
  }

  /**
   * A device that knows what browser and server have in common, and what of it it can receive, as `join` takes it.
   * @throws {WeirError} `incapable` when this is no browser that can do calls
   */
  static async device(
    handler: ReturnType<typeof earlyHandler>,
    routerRtpCapabilities: RtpCapabilities,
  ): Promise<{ device: Device; rtpCapabilities: RtpCapabilities }> {
    try {
      const device = new Device(handler && { handlerFactory: handler });
      await device.load({ routerRtpCapabilities });
      return { device, rtpCapabilities: RtpCapabilities.parse(device.recvRtpCapabilities) };
    } catch (cause) {
      throw new WeirError('incapable', 'This browser cannot do calls; a current one can.', { cause });
    }
  }

  /**
   * Publishes a track; media flows while the server's answer is still on its way.
   * @throws {WeirError} the server's refusal, `conflict`, `forbidden` (no sending transport), `incapable`, `closed`
   */
  async publish(source: Source, track: MediaStreamTrack, paused: boolean): Promise<void> {
    const send = this.#send;
    if (!send) throw new WeirError('forbidden', 'You may not publish in this room.');
    if (this.#publishing.has(source) || this.#producers.has(source)) {
      throw new WeirError('conflict', `You publish ${source} already.`);
    }
    if (!this.#options.device.canProduce(kindOf[source])) throw new WeirError('incapable');
    const publishing = this.#produce(send, source, track, paused);
    this.#publishing.set(source, publishing);
    try {
      await this.#accepted(source, await publishing);
    } finally {
      this.#publishing.delete(source);
    }
  }

  /** Stops publishing; nothing happens when the source is off already. */
  async unpublish(source: Source): Promise<void> {
    // What is just being published is stopped as soon as it can be.
    if (!this.#producers.has(source)) await this.#publishing.get(source)?.catch(() => {});
    const producer = this.#producers.get(source);
    if (!producer) return;
    this.#producers.delete(source);
    producer.close();
    await this.#options.request('closeProducer', { source });
  }

  /** @throws {WeirError} `notFound` when the source is off; a refusal leaves it muted */
  async setPaused(source: Source, paused: boolean): Promise<void> {
    const producer = this.producer(source);
    if (!producer) throw new WeirError('notFound', `You do not publish ${source}.`);
    if (producer.paused === paused) return;
    if (paused) producer.pause();
    else producer.resume();
    try {
      await this.#options.request(paused ? 'pauseProducer' : 'resumeProducer', { source });
    } catch (error) {
      // Nobody may believe that they are heard when nothing of theirs is forwarded.
      if (!producer.closed) producer.pause();
      throw error;
    }
  }

  producer(source: Source): Producer | undefined {
    return this.#producers.get(source);
  }

  /** Makes all of these consumers in one SDP exchange, then lets their media flow. */
  async consume(infos: readonly ConsumerInfo[]): Promise<void> {
    const recv = this.#recv;
    if (!recv || infos.length === 0) return;
    for (const { consumerId } of infos) this.#making.add(consumerId);
    const made = await Promise.allSettled(infos.map((info) => recv.consume(toConsumerOptions(info))));
    const ready: string[] = [];
    made.forEach((result, index) => {
      const info = infos[index];
      if (!info) return;
      this.#making.delete(info.consumerId);
      if (result.status === 'rejected') {
        // An SDP exchange that failed is in the way of every later one: this link is lost.
        if (!recv.closed) this.#options.onFailed();
        return;
      }
      const consumer = result.value;
      if (this.#closedEarly.delete(info.consumerId)) {
        consumer.close();
        return;
      }
      this.#consumers.set(info.consumerId, { info, consumer });
      ready.push(info.consumerId);
      this.#options.onTrack(info, consumer.track);
    });
    if (ready.length === 0 || recv.closed) return;
    // `notFound` says that one closed on the way; its end is in the next event.
    this.#options.request('resumeConsumers', { consumerIds: ready }).catch(() => {});
  }

  consumersClosed(consumerIds: readonly string[]): void {
    for (const id of consumerIds) {
      const known = this.#consumers.get(id);
      this.#consumers.delete(id);
      if (known) {
        known.consumer.close();
        this.#options.onTrackEnded(known.info);
      } else if (this.#making.has(id)) this.#closedEarly.add(id);
    }
  }

  /** Makes what is received the same as what the server says that there is. */
  sync(infos: readonly ConsumerInfo[]): void {
    const there = new Set(infos.map(({ consumerId }) => consumerId));
    this.consumersClosed([...this.#consumers.keys(), ...this.#making].filter((id) => !there.has(id)));
    void this.consume(
      infos.filter(({ consumerId }) => !this.#consumers.has(consumerId) && !this.#making.has(consumerId)),
    );
  }

  /** Finds the way of the media anew, on both transports; what flows goes on until there is a better one. */
  restartIce(): void {
    this.#restarts.want();
  }

  /** How loud the microphone of a peer is, 0 to 1, as its last packets say it (RFC 6464). */
  level(peerId: string): number {
    for (const { info, consumer } of this.#consumers.values()) {
      if (info.peerId !== peerId || info.source !== 'microphone') continue;
      const last = lastOf(consumer);
      // Who is muted sends nothing: what was heard before that must not ring on.
      return last && last.age < LEVEL_AGE ? last.level : 0;
    }
    return 0;
  }

  /** How long ago anything came from anybody, in milliseconds; undefined where nothing ever has. */
  get lastHeard(): number | undefined {
    const ages = [...this.#consumers.values()].flatMap(({ consumer }) => lastOf(consumer)?.age ?? []);
    return ages.length > 0 ? Math.min(...ages) : undefined;
  }

  /** Whether media has ever found its way. */
  get wasConnected(): boolean {
    return this.#wasConnected;
  }

  /** How the media is connected: `lost` as soon as one transport has lost its way. */
  get connection(): Connection {
    const states = [this.#send, this.#recv].map((transport) => transport?.connectionState);
    if (states.some((state) => state === 'disconnected' || state === 'failed')) return 'lost';
    return states.includes('connecting') ? 'connecting' : 'connected';
  }

  /** Every sender and receiver with its statistics. */
  async stats(): Promise<{ source: Source; peerId?: string; report: RTCStatsReport }[]> {
    const sending = [...this.#producers]
      .filter(([, producer]) => !producer.closed)
      .map(async ([source, producer]) => ({
        source,
        report: await producer.getStats(),
      }));
    const receiving = [...this.#consumers.values()]
      .filter(({ consumer }) => !consumer.closed)
      .map(async ({ info, consumer }) => ({
        source: info.source,
        peerId: info.peerId,
        report: await consumer.getStats(),
      }));
    return Promise.all([...sending, ...receiving]);
  }

  close(): void {
    this.#restarts.close();
    this.#send?.close();
    this.#recv?.close();
    this.#producers.clear();
    this.#consumers.clear();
  }

  #connecting(transport: Transport): Transport {
    transport.on('connectionstatechange', (state) => {
      if (state === 'connected') this.#wasConnected = true;
      this.#options.onConnection();
      if (state === 'failed' && !this.#wasConnected) this.#options.onFailed();
      else if (state === 'failed') this.#restarts.want();
      else this.#restarts.look();
    });
    transport.on('connect', ({ dtlsParameters }, callback) => {
      const answer = this.#options.request('connectTransport', { transportId: transport.id, dtlsParameters });
      answer.catch((error) => WeirError.from(error).code !== 'closed' && this.#options.onFailed());
      callback();
    });
    return transport;
  }

  async #restartIce(): Promise<void> {
    const { send, recv } = await this.#options.request('restartIce', {});
    await Promise.all([
      send && this.#send?.restartIce({ iceParameters: send }),
      recv && this.#recv?.restartIce({ iceParameters: recv }),
    ]);
  }

  /** @throws {WeirError} `closed` when the link closes meanwhile, `incapable` when the browser refuses the track */
  async #produce(send: Transport, source: Source, track: MediaStreamTrack, paused: boolean): Promise<Producer> {
    try {
      const producer = await send.produce({
        track,
        encodings: encodingsOf(source),
        ...producerOptionsOf(source),
        stopTracks: false,
        disableTrackOnPause: true,
        appData: { source, paused },
      });
      if (paused) producer.pause();
      this.#producers.set(source, producer);
      producer.on('trackended', () => this.#sourceEnded(source));
      // A track that ended while we waited does not say so again.
      if (track.readyState === 'ended') this.#sourceEnded(source);
      return producer;
    } catch (cause) {
      if (cause instanceof WeirError) throw cause;
      throw new WeirError(send.closed ? 'closed' : 'incapable', undefined, { cause });
    }
  }

  async #accepted(source: Source, producer: Producer): Promise<void> {
    const answer = this.#answers.get(producer.id);
    this.#answers.delete(producer.id);
    try {
      await answer;
    } catch (error) {
      if (this.#producers.get(source) === producer) this.#producers.delete(source);
      producer.close();
      throw error;
    }
  }

  #sourceEnded(source: Source): void {
    this.unpublish(source).catch(() => {});
    this.#options.onSourceEnded(source);
  }
}

/** The last packet that a track was made of: its level, and how long ago it was, in milliseconds. */
function lastOf(consumer: Consumer): { level: number; age: number } | undefined {
  const [last] = consumer.rtpReceiver?.getSynchronizationSources() ?? [];
  if (!last) return undefined;
  // Browsers differ in whether this time counts from 1970 or from the page's beginning.
  const now = performance.now() + (last.timestamp > performance.timeOrigin ? performance.timeOrigin : 0);
  return { level: last.audioLevel ?? 0, age: now - last.timestamp };
}

function isSource(value: unknown): value is Source {
  return typeof value === 'string' && Object.hasOwn(kindOf, value);
}

function toOptions({ transportId, ...rest }: TransportInfo) {
  return { id: transportId, ...rest };
}

/** Tracks of one stream are played in sync: a voice with its face, a screen with its sound. */
function toConsumerOptions({ consumerId, producerId, peerId, source, kind, rtpParameters }: ConsumerInfo) {
  const stream = source === 'screen' || source === 'screenAudio' ? 'screen' : 'camera';
  return { id: consumerId, producerId, kind, rtpParameters, streamId: `${peerId}-${stream}` };
}
