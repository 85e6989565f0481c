/** Owns what we publish: one producer a source, from the track to the server's answer, and how much of it is sent. */
import type { Device, types } from 'mediasoup-client';
import { WeirError } from '../../shared/errors.ts';
import { kindOf, RtpParameters, type Source } from '../../shared/media.ts';
import type { Grants, ResumeReply, RoomKind, Welcome } from '../../shared/protocol.ts';
import { chooseCodec, codecName, encodingsOf, producerOptionsOf, sizeOf, type VideoCodec } from './encodings.ts';
import type { Request } from './Line.ts';
import { WatchedLayers } from './WatchedLayers.ts';

type Producer = types.Producer;

export interface SendingOptions {
  readonly device: Device;
  /** Makes the transport, where there was no right to one at first. @throws {WeirError} `forbidden`, ... */
  openTransport(): Promise<types.Transport>;
  readonly request: Request;
  /** The codecs that the server wants videos to be published with. */
  readonly video: Welcome['video'];
  readonly kind: RoomKind;
  /** A source of ours ended and nobody asked it to: its track did. */
  onSourceEnded(source: Source): void;
}

export interface PublishOptions {
  /** Start muted. */
  readonly muted?: boolean;
  /** The codec of a video, instead of the one that the server asks for; where the device lacks it, another one. */
  readonly codec?: VideoCodec;
}

export class Sending {
  readonly #options: SendingOptions;
  readonly #producers = new Map<Source, Producer>();
  readonly #publishing = new Map<Source, Promise<Producer>>();
  /** The server's answer to each `produce`, by the id that mediasoup-client knows the producer by. */
  readonly #answers = new Map<string, Promise<unknown>>();
  /** How many `closeProducer` of each source have no answer yet. */
  readonly #closing = new Map<Source, number>();
  readonly #layers = new WatchedLayers();
  #transport: types.Transport | undefined;
  #opening: Promise<types.Transport> | undefined;
  #nextLocalId = 1;

  constructor(options: SendingOptions) {
    this.#options = options;
  }

  /** Publishes over this transport from now on. */
  attach(transport: types.Transport): void {
    this.#transport = transport;
    transport.on('produce', ({ kind, rtpParameters, appData }, callback, errback) => {
      const { source, paused, size } = appData;
      const parsed = RtpParameters.safeParse(rtpParameters);
      if (!isSource(source) || !parsed.success) {
        errback(new WeirError('incapable', undefined, { cause: parsed.error }));
        return;
      }
      const id = String(this.#nextLocalId++);
      const answer = this.#options.request('produce', {
        source,
        rtpParameters: parsed.data,
        paused: paused === true,
        ...(kind === 'video' && isSize(size) && { size }),
      });
      // Whoever publishes awaits it; until then it must not count as unhandled.
      answer.catch(() => {});
      this.#answers.set(id, answer);
      callback({ id });
    });
  }

  /**
   * Publishes a track; media flows while the server's answer is still on its way.
   * @throws {WeirError} the server's refusal, `conflict`, `forbidden`, `incapable`, `closed`
   */
  async publish(source: Source, track: MediaStreamTrack, options: PublishOptions): Promise<void> {
    const { device } = this.#options;
    if (this.#publishing.has(source) || this.#producers.has(source)) {
      throw new WeirError('conflict', `You publish ${source} already.`);
    }
    if (!device.canProduce(kindOf[source])) throw new WeirError('incapable');
    const publishing = this.#produce(source, track, options);
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
    this.#end(source);
    producer.close();
    this.#closing.set(source, (this.#closing.get(source) ?? 0) + 1);
    try {
      await this.#options.request('closeProducer', { source });
    } finally {
      this.#closing.set(source, (this.#closing.get(source) ?? 1) - 1);
    }
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

  /** Ends what we may no longer publish: the server has ended it already. */
  allow({ canPublish, canPublishSources }: Pick<Grants, 'canPublish' | 'canPublishSources'>): void {
    for (const [source, producer] of this.#producers) {
      if (canPublish && canPublishSources.includes(source)) continue;
      this.#end(source);
      producer.close();
      this.#options.onSourceEnded(source);
    }
    if (canPublish) return;
    this.#transport?.close();
    this.#transport = undefined;
  }

  producer(source: Source): Producer | undefined {
    return this.#producers.get(source);
  }

  /** The server says how much of a source is watched. */
  watched({ source, maxSpatialLayer }: ResumeReply['watched'][number]): void {
    if (this.#exists(source)) this.#layers.limit(source, maxSpatialLayer);
  }

  /** The server says how much of everything is watched; what it does not name is. */
  syncWatched(watched: ResumeReply['watched']): void {
    this.#layers.sync(watched.filter(({ source }) => this.#exists(source)));
  }

  /** Every sender with its statistics. */
  stats(): Promise<{ source: Source; report: RTCStatsReport }[]> {
    const open = [...this.#producers].filter(([, producer]) => !producer.closed);
    return Promise.all(open.map(async ([source, producer]) => ({ source, report: await producer.getStats() })));
  }

  close(): void {
    this.#layers.close();
    this.#producers.clear();
  }

  /** Whether news of a source is of what we publish now: until the server has closed a former one, it is of that one. */
  #exists(source: Source): boolean {
    const published = this.#producers.has(source) || this.#publishing.has(source);
    return published && (this.#closing.get(source) ?? 0) === 0;
  }

  /** @throws {WeirError} `closed` when the link closes meanwhile, `incapable` when the browser refuses the track */
  async #produce(
    source: Source,
    track: MediaStreamTrack,
    { muted = false, codec: wanted }: PublishOptions,
  ): Promise<Producer> {
    const { device, video, kind } = this.#options;
    const transport = await this.#transportOrNew();
    const isVideo = source === 'camera' || source === 'screen';
    const codec = isVideo ? chooseCodec(device.sendRtpCapabilities.codecs ?? [], wanted ?? video[source]) : undefined;
    const size = isVideo ? sizeOf(track) : undefined;
    const encodings = encodingsOf({
      source,
      codec: codec && codecName(codec),
      size,
      kind,
      // The others ignore a mode that they do not know, and the server would wait for its layers.
      scalable: device.handlerName === 'Chrome111',
    });
    try {
      const producer = await transport.produce({
        track,
        encodings,
        ...(codec && { codec }),
        ...producerOptionsOf(source),
        stopTracks: false,
        disableTrackOnPause: true,
        appData: { source, paused: muted, size },
      });
      if (muted) producer.pause();
      this.#producers.set(source, producer);
      if (isVideo && producer.rtpSender) this.#layers.begin(source, producer.rtpSender, encodings);
      producer.on('trackended', () => this.#sourceEnded(source));
      // A track that ended while we waited does not say so again.
      if (track.readyState === 'ended') this.#sourceEnded(source);
      return producer;
    } catch (cause) {
      if (cause instanceof WeirError) throw cause;
      throw new WeirError(transport.closed ? 'closed' : 'incapable', undefined, { cause });
    }
  }

  /** What is published together shares one. */
  async #transportOrNew(): Promise<types.Transport> {
    if (this.#transport && !this.#transport.closed) return this.#transport;
    this.#opening ??= this.#options.openTransport().finally(() => {
      this.#opening = undefined;
    });
    return this.#opening;
  }

  async #accepted(source: Source, producer: Producer): Promise<void> {
    const answer = this.#answers.get(producer.id);
    this.#answers.delete(producer.id);
    try {
      await answer;
    } catch (error) {
      if (this.#producers.get(source) === producer) this.#end(source);
      producer.close();
      throw error;
    }
  }

  #end(source: Source): void {
    this.#producers.delete(source);
    this.#layers.end(source);
  }

  #sourceEnded(source: Source): void {
    this.unpublish(source).catch(() => {});
    this.#options.onSourceEnded(source);
  }
}

function isSource(value: unknown): value is Source {
  return typeof value === 'string' && Object.hasOwn(kindOf, value);
}

function isSize(value: unknown): value is { width: number; height: number } {
  if (typeof value !== 'object' || value === null || !('width' in value) || !('height' in value)) return false;
  return typeof value.width === 'number' && typeof value.height === 'number';
}
