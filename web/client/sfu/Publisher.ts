/** Publishes tracks: one publication for each source, from its track to the server's reply, and the layers that are sent. */
import type { types } from 'mediasoup-client';
import { WeirError } from '../../../shared/errors.ts';
import { kindOf, type Source } from '../../../shared/media.ts';
import type { Grants, ResumeReply } from '../../../shared/protocol.ts';
import type { PublishedTrack, PublishOptions } from '../MediaLink.ts';
import { requireTrack } from '../requireTrack.ts';
import { layersIn, type Size } from './encodings.ts';
import { LocalPublication } from './LocalPublication.ts';
import { SenderLayerControl } from './SenderLayerControl.ts';
import { SendTransport, type SendTransportOptions } from './SendTransport.ts';
import { VideoAdapter, type VideoAdapterOptions } from './VideoAdapter.ts';

export interface PublisherOptions extends SendTransportOptions {
  /** A source ended although nobody unpublished it: its track ended, or the right to publish it did. */
  onSourceEnded(source: Source): void;
}

export class Publisher {
  readonly #options: PublisherOptions;
  readonly #transport: SendTransport;
  readonly #publications = new Map<Source, LocalPublication>();
  /** By source: resolves when `closeProducer` of the former publication has been sent. */
  readonly #formerClosed = new Map<Source, Promise<void>>();
  /** By source: how many `closeProducer` have no reply yet. */
  readonly #closing = new Map<Source, number>();
  readonly #layers = new SenderLayerControl();

  constructor(options: PublisherOptions) {
    this.#options = options;
    this.#transport = new SendTransport(options);
  }

  /** Publishes over this transport from now on. */
  attach(transport: types.Transport): void {
    this.#transport.attach(transport);
  }

  /**
   * Publishes a track. Media flows while the reply is still on its way. A track that is unpublished meanwhile is no error.
   * @throws {WeirError} the server's refusal, `badRequest`, `conflict`, `forbidden`, `unsupported`, `closed`
   */
  async publish(source: Source, track: MediaStreamTrack, options: PublishOptions): Promise<void> {
    requireTrack(source, track);
    if (this.#publications.has(source)) {
      throw new WeirError('conflict', `You already publish ${source}: replace its track, or unpublish it first.`);
    }
    this.#transport.requireCodec(source);
    const publication = new LocalPublication(source, track, options.muted ?? !track.enabled, this.#options.request);
    this.#publications.set(source, publication);
    try {
      await publication.begin(() => this.#produce(publication, track, options));
    } catch (error) {
      if (publication.ended) return;
      this.#end(publication);
      // The server may have made the producer nevertheless.
      if (WeirError.from(error).code === 'timeout') this.#options.request('closeProducer', { source }).catch(() => {});
      throw error;
    }
  }

  /** Stops publishing; does nothing if the source is off. */
  async unpublish(source: Source): Promise<void> {
    const publication = this.#publications.get(source);
    if (!publication) return;
    this.#end(publication);
    this.#closing.set(source, (this.#closing.get(source) ?? 0) + 1);
    const sent = Promise.withResolvers<void>();
    this.#formerClosed.set(source, sent.promise);
    try {
      // `closeProducer` must not be sent before `produce`.
      const reply = (await publication.created()) && this.#options.request('closeProducer', { source });
      sent.resolve();
      await reply;
    } catch (error) {
      // The server has refused or already closed the producer.
      if (WeirError.from(error).code !== 'notFound') throw error;
    } finally {
      sent.resolve();
      this.#closing.set(source, (this.#closing.get(source) ?? 1) - 1);
    }
  }

  /** @throws {WeirError} `notFound` if the source is off; a refusal leaves it muted */
  setMuted(source: Source, muted: boolean): Promise<void> {
    return this.#requirePublication(source).mute.set(muted);
  }

  /** @throws {WeirError} `notFound` if the source is off, `badRequest`, `unsupported`, `closed`; the former track stays then */
  async replaceTrack(source: Source, track: MediaStreamTrack): Promise<void> {
    requireTrack(source, track);
    const publication = this.#requirePublication(source);
    try {
      await publication.replaceTrack(track);
    } catch (error) {
      throw this.#transport.toWeirError(source, error);
    }
    // The event of a track that ended meanwhile has been missed.
    if (track.readyState === 'ended' && publication.track === track) this.#sourceEnded(publication);
  }

  /** Ends what the grants no longer allow, as the server has done already. @returns whether anything has ended */
  applyGrants({ canPublish, canPublishSources }: Pick<Grants, 'canPublish' | 'canPublishSources'>): boolean {
    let hasEnded = false;
    for (const [source, publication] of this.#publications) {
      // A source without a producer has not been sent yet: the server will refuse it.
      if ((canPublish && canPublishSources.includes(source)) || !publication.producer) continue;
      hasEnded = true;
      this.#end(publication);
      this.#options.onSourceEnded(source);
    }
    if (!canPublish) this.#transport.close();
    return hasEnded;
  }

  /**
   * Ends what the server had accepted and no longer has: the grant for it was revoked and given again during a reconnect.
   * @returns whether anything has ended
   */
  syncSources(current: ResumeReply['sources']): boolean {
    const missing = [...this.#publications.values()].filter(({ accepted, source }) => accepted && !(source in current));
    for (const publication of missing) {
      this.#end(publication);
      this.#options.onSourceEnded(publication.source);
    }
    return missing.length > 0;
  }

  /** The server has muted a source, for an administrator. @returns whether it was unmuted here */
  mutedByServer(source: Source): boolean {
    return this.#publications.get(source)?.mute.mutedByServer() ?? false;
  }

  /** The server has stopped what we publish by that producer, for an administrator. @returns whether we still published it */
  stoppedByServer(source: Source, producerId: string): boolean {
    const publication = this.#publications.get(source);
    if (!publication || publication.producerId !== producerId) return false;
    this.#end(publication);
    this.#options.onSourceEnded(source);
    return true;
  }

  /** What is published as `source`, once the browser sends it. */
  publishedTrack(source: Source): PublishedTrack | undefined {
    const publication = this.#publications.get(source);
    return publication?.producer && { track: publication.track, muted: publication.mute.muted };
  }

  /** Limits what is sent of a source to the layers that somebody receives. */
  setSubscribedLayer({ source, maxSpatialLayer }: ResumeReply['subscribedLayers'][number]): void {
    if (this.#isCurrent(source)) this.#layers.limit(source, maxSpatialLayer);
  }

  /** Sets the limits of all sources; one without a limit sends all of its layers. */
  syncSubscribedLayers(limits: ResumeReply['subscribedLayers']): void {
    this.#layers.sync(limits.filter(({ source }) => this.#isCurrent(source)));
  }

  /** The statistics of every sender. */
  async stats(): Promise<{ source: Source; report: RTCStatsReport }[]> {
    const reports = [...this.#publications].map(async ([source, { producer }]) => {
      // A producer that closes meanwhile rejects.
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

  /** Whether the server's messages about a source mean its current publication: while a former one is closing, they do not. */
  #isCurrent(source: Source): boolean {
    return this.#publications.has(source) && (this.#closing.get(source) ?? 0) === 0;
  }

  async #produce(
    publication: LocalPublication,
    track: MediaStreamTrack,
    { codec }: PublishOptions,
  ): Promise<types.Producer> {
    const { source } = publication;
    await this.#formerClosed.get(source);
    const { producer, encodings, used, choice, hint } = await this.#transport.produce(publication, track, codec);
    if (publication.ended) return producer;
    if (producer.rtpSender && kindOf[source] === 'audio') this.#beginAudio(publication, producer.rtpSender);
    else if (producer.rtpSender) {
      this.#layers.begin(source, producer.rtpSender, encodings);
      if (layersIn(used) !== layersIn(encodings)) this.#layers.reshape(source, used);
      this.#adapt(publication, producer.rtpSender, { choice, hint });
    }
    producer.on('trackended', () => this.#sourceEnded(publication));
    // The event of a track that ended meanwhile has been missed.
    if (track.readyState === 'ended') this.#sourceEnded(publication);
    return producer;
  }

  /** Firefox sends audio although its encoding is inactive. */
  #beginAudio(publication: LocalPublication, sender: RTCRtpSender): void {
    const { source } = publication;
    const isFirefox = this.#options.device.handlerName === 'Firefox120';
    if (isFirefox) this.#layers.beginTrackless(source, sender, () => publication.track);
    else this.#layers.begin(source, sender, []);
  }

  /** Adapts the encodings of a video to its track while it is sent. */
  #adapt(
    publication: LocalPublication,
    sender: RTCRtpSender,
    initial: Pick<VideoAdapterOptions, 'choice' | 'hint'>,
  ): void {
    publication.adapter = new VideoAdapter({
      sender,
      track: () => publication.track,
      ...initial,
      layers: this.#layers,
      onResized: (size, layers) => void this.#sendSize(publication, size, layers),
    });
  }

  /** Sends the server the new size of a video, once the server has the video. */
  async #sendSize(publication: LocalPublication, size: Size, layers: number): Promise<void> {
    const { source } = publication;
    if (source !== 'camera' && source !== 'screen') return;
    try {
      await publication.produceReply;
      if (!publication.ended) await this.#options.request('resizeProducer', { source, size, layers });
    } catch {
      // The video was refused or has ended: its size does not matter.
    }
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
