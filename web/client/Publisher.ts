/** Owns what we publish: one producer a source, from the track to the server's answer, and how much of it is sent. */
import type { Device, types } from 'mediasoup-client';
import { WeirError } from '../../shared/errors.ts';
import { kindOf, RtpParameters, type Source } from '../../shared/media.ts';
import type { Grants, ResumeReply, RoomKind, Welcome } from '../../shared/protocol.ts';
import {
  chooseCodec,
  codecName,
  type EncodingChoice,
  encodedSize,
  encodingsOf,
  layersIn,
  producedEncodings,
  producerOptionsOf,
  type Size,
  sizeOf,
} from './encodings.ts';
import { LocalPublication } from './LocalPublication.ts';
import type { PublishedTrack, PublishOptions } from './MediaLink.ts';
import { requireTrack } from './requireTrack.ts';
import { SenderLayerControl } from './SenderLayerControl.ts';
import type { Request } from './Signalling.ts';
import { hintedContent, prepareTrack, VideoAdapter, type VideoAdapterOptions } from './VideoAdapter.ts';

type Producer = types.Producer;

export interface PublisherOptions {
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

/** What the server is told of a track that is about to be published. */
interface Announced {
  readonly publication: LocalPublication;
  /** Of the highest layer that is sent. */
  readonly size: Size | undefined;
  readonly layers: number | undefined;
}

export class Publisher {
  readonly #options: PublisherOptions;
  readonly #publications = new Map<Source, LocalPublication>();
  /** What each call of `produce` of mediasoup-client is for, by the number that goes with it. */
  readonly #producing = new Map<number, Announced>();
  /** By source: resolves when the server has been asked to close the former producer. */
  readonly #formerClosed = new Map<Source, Promise<void>>();
  /** How many `closeProducer` of each source have no answer yet. */
  readonly #closing = new Map<Source, number>();
  readonly #layers = new SenderLayerControl();
  #transport: types.Transport | undefined;
  #opening: Promise<types.Transport> | undefined;
  #nextLocalId = 1;

  constructor(options: PublisherOptions) {
    this.#options = options;
  }

  /** Publishes over this transport from now on. */
  attach(transport: types.Transport): void {
    this.#transport = transport;
    transport.on('produce', ({ rtpParameters, appData }, callback) => {
      const id = String(this.#nextLocalId++);
      const producing = typeof appData.number === 'number' ? this.#producing.get(appData.number) : undefined;
      const parsed = RtpParameters.safeParse(rtpParameters);
      if (producing) {
        const { publication, size, layers } = producing;
        const answer = parsed.success
          ? this.#options.request('produce', {
              source: publication.source,
              rtpParameters: parsed.data,
              paused: publication.announce(),
              ...(size && { size }),
              ...(layers && { layers }),
            })
          : Promise.reject(unsupported(publication.source, parsed.error));
        // Whoever publishes awaits it; until then it must not count as unhandled.
        answer.catch(() => {});
        publication.answer = answer;
      }
      // A refusal closes the producer: mediasoup-client's own way back does not wait its turn, and breaks what comes next.
      callback({ id });
    });
  }

  /**
   * Publishes a track; media flows while the server's answer is still on its way. What is unpublished meanwhile is no
   * failure.
   * @throws {WeirError} the server's refusal, `badRequest`, `conflict`, `forbidden`, `unsupported`, `closed`
   */
  async publish(source: Source, track: MediaStreamTrack, options: PublishOptions): Promise<void> {
    requireTrack(source, track);
    if (this.#publications.has(source)) {
      throw new WeirError('conflict', `You publish ${source} already: replace its track, or unpublish it first.`);
    }
    if (!this.#options.device.canProduce(kindOf[source])) throw unsupported(source);
    const publication = new LocalPublication(source, track, options.muted ?? !track.enabled, this.#options.request);
    this.#publications.set(source, publication);
    try {
      await publication.begin(() => this.#produce(publication, track, options));
    } catch (error) {
      if (publication.ended) return;
      this.#end(publication);
      // The server may have it after all.
      if (WeirError.from(error).code === 'timeout') this.#options.request('closeProducer', { source }).catch(() => {});
      throw error;
    }
  }

  /** Stops publishing; nothing happens when the source is off already. */
  async unpublish(source: Source): Promise<void> {
    const publication = this.#publications.get(source);
    if (!publication) return;
    this.#end(publication);
    this.#closing.set(source, (this.#closing.get(source) ?? 0) + 1);
    const asked = Promise.withResolvers<void>();
    this.#formerClosed.set(source, asked.promise);
    try {
      // A request to close overtakes none to open.
      const closed = (await publication.created()) && this.#options.request('closeProducer', { source });
      asked.resolve();
      await closed;
    } catch (error) {
      // The server had refused it, or has ended it.
      if (WeirError.from(error).code !== 'notFound') throw error;
    } finally {
      asked.resolve();
      this.#closing.set(source, (this.#closing.get(source) ?? 1) - 1);
    }
  }

  /** @throws {WeirError} `notFound` when the source is off; a refusal leaves it muted */
  setMuted(source: Source, muted: boolean): Promise<void> {
    return this.#requirePublication(source).mute.set(muted);
  }

  /** @throws {WeirError} `notFound` when the source is off, `badRequest`, `unsupported`, `closed`; the former track stays then */
  async replaceTrack(source: Source, track: MediaStreamTrack): Promise<void> {
    requireTrack(source, track);
    const publication = this.#requirePublication(source);
    try {
      await publication.replaceTrack(track);
    } catch (error) {
      throw this.#failure(source, error);
    }
    // A track that ended while we waited does not say so again.
    if (track.readyState === 'ended' && publication.track === track) this.#sourceEnded(publication);
  }

  /** Ends what we may no longer publish: the server has ended it already. @returns whether anything has ended */
  applyGrants({ canPublish, canPublishSources }: Pick<Grants, 'canPublish' | 'canPublishSources'>): boolean {
    let ended = false;
    for (const [source, publication] of this.#publications) {
      // The server refuses by itself what has not been sent yet.
      if ((canPublish && canPublishSources.includes(source)) || !publication.producer) continue;
      ended = true;
      this.#end(publication);
      this.#options.onSourceEnded(source);
    }
    if (canPublish) return ended;
    this.#transport?.close();
    this.#transport = undefined;
    return ended;
  }

  /**
   * Ends what the server had accepted and no longer has: the right to it went and came back while we were not told.
   * @returns whether anything has ended
   */
  syncSources(there: ResumeReply['sources']): boolean {
    const missing = [...this.#publications.values()].filter(({ accepted, source }) => accepted && !(source in there));
    for (const publication of missing) {
      this.#end(publication);
      this.#options.onSourceEnded(publication.source);
    }
    return missing.length > 0;
  }

  /** What is published as `source`, once the browser sends it. */
  publishedTrack(source: Source): PublishedTrack | undefined {
    const publication = this.#publications.get(source);
    return publication?.producer && { track: publication.track, muted: publication.mute.muted };
  }

  /** The server says how much of a source is watched. */
  setSubscribedLayer({ source, maxSpatialLayer }: ResumeReply['subscribedLayers'][number]): void {
    if (this.#exists(source)) this.#layers.limit(source, maxSpatialLayer);
  }

  /** The server says how much of everything is watched; what it does not name is. */
  syncSubscribedLayers(layers: ResumeReply['subscribedLayers']): void {
    this.#layers.sync(layers.filter(({ source }) => this.#exists(source)));
  }

  /** Every sender with its statistics. */
  async stats(): Promise<{ source: Source; report: RTCStatsReport }[]> {
    const reports = [...this.#publications].map(async ([source, { producer }]) => {
      // One that closes while it is asked has none.
      const report = await producer?.getStats().catch(() => undefined);
      return report ? [{ source, report }] : [];
    });
    return (await Promise.all(reports)).flat();
  }

  close(): void {
    this.#layers.close();
    for (const publication of this.#publications.values()) publication.end();
    this.#publications.clear();
  }

  /** Whether news of a source is of what we publish now: until the server has closed a former one, it is of that one. */
  #exists(source: Source): boolean {
    return this.#publications.has(source) && (this.#closing.get(source) ?? 0) === 0;
  }

  /** @throws {WeirError} `closed` when the link closes meanwhile, `unsupported` when the browser refuses the track */
  async #produce(
    publication: LocalPublication,
    track: MediaStreamTrack,
    { codec: wanted }: PublishOptions,
  ): Promise<Producer> {
    const { device, video, kind } = this.#options;
    const { source } = publication;
    const number = this.#nextLocalId++;
    try {
      await this.#formerClosed.get(source);
      const transport = await this.#transportOrNew();
      if (publication.ended) throw new WeirError('closed', `${source} was unpublished before it was sent.`);
      const isVideo = source === 'camera' || source === 'screen';
      const codec = isVideo ? chooseCodec(device.sendRtpCapabilities.codecs ?? [], wanted ?? video[source]) : undefined;
      const size = isVideo ? sizeOf(track) : undefined;
      const hint = prepareTrack(source, track);
      const choice: EncodingChoice = {
        source,
        codec: codec && codecName(codec),
        size,
        kind,
        ...(source === 'screen' && { content: hintedContent(track) }),
        // The others ignore a mode that they do not know, and the server would wait for its layers.
        scalable: device.handlerName === 'Chrome111',
        firefox: device.handlerName === 'Firefox120',
      };
      const encodings = producedEncodings(choice);
      const used = encodingsOf(choice);
      const layers = isVideo ? layersIn(used) : undefined;
      this.#producing.set(number, { publication, size: size && encodedSize(size, used), layers });
      const producer = await transport.produce({
        track,
        encodings,
        ...(codec && { codec }),
        ...producerOptionsOf(source),
        stopTracks: false,
        disableTrackOnPause: true,
        appData: { number },
      });
      if (publication.ended) return producer;
      if (isVideo && producer.rtpSender) {
        this.#layers.begin(source, producer.rtpSender, encodings);
        if (layers !== layersIn(encodings)) this.#layers.reshape(source, used);
        this.#adapt(publication, producer.rtpSender, { choice, hint });
      }
      producer.on('trackended', () => this.#sourceEnded(publication));
      // A track that ended while we waited does not say so again.
      if (track.readyState === 'ended') this.#sourceEnded(publication);
      return producer;
    } catch (error) {
      throw this.#failure(source, error);
    } finally {
      this.#producing.delete(number);
    }
  }

  /** Has a video sent in the way that is right for what its track gives. */
  #adapt(publication: LocalPublication, sender: RTCRtpSender, how: Pick<VideoAdapterOptions, 'choice' | 'hint'>): void {
    publication.adapter = new VideoAdapter({
      sender,
      track: () => publication.track,
      ...how,
      layers: this.#layers,
      onResized: (size, layers) => void this.#resized(publication, size, layers),
    });
  }

  /** Tells the server of the size of a video once it has the video. */
  async #resized(publication: LocalPublication, size: Size, layers: number): Promise<void> {
    const { source } = publication;
    if (source !== 'camera' && source !== 'screen') return;
    try {
      await publication.answer;
      if (!publication.ended) await this.#options.request('resizeProducer', { source, size, layers });
    } catch {
      // It was refused or has ended: then nobody is shown it.
    }
  }

  /** What went wrong with a source, as an application may see it. */
  #failure(source: Source, cause: unknown): WeirError {
    if (cause instanceof WeirError) return cause;
    const closed = !this.#transport || this.#transport.closed;
    return closed ? new WeirError('closed', undefined, { cause }) : unsupported(source, cause);
  }

  /** What is published together shares one. */
  async #transportOrNew(): Promise<types.Transport> {
    if (this.#transport && !this.#transport.closed) return this.#transport;
    this.#opening ??= this.#options.openTransport().finally(() => {
      this.#opening = undefined;
    });
    return this.#opening;
  }

  #requirePublication(source: Source): LocalPublication {
    const publication = this.#publications.get(source);
    if (!publication) throw new WeirError('notFound', `You do not publish ${source}.`);
    return publication;
  }

  #end(publication: LocalPublication): void {
    const { source } = publication;
    publication.end();
    if (this.#publications.get(source) !== publication) return;
    this.#publications.delete(source);
    this.#layers.end(source);
  }

  #sourceEnded(publication: LocalPublication): void {
    const { source } = publication;
    if (this.#publications.get(source) !== publication) return;
    this.unpublish(source).catch(() => {});
    this.#options.onSourceEnded(source);
  }
}

function unsupported(source: Source, cause?: unknown): WeirError {
  const words = `This browser cannot send this track as ${source} in a way that the server takes. Try another device or browser.`;
  return new WeirError('unsupported', words, { cause });
}
