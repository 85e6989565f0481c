/** Owns a browser's stay in a room: its two transports, and what it publishes. */
import { randomUUID } from 'node:crypto';
import type { CloseReason } from '../../shared/closeReasons.ts';
import { WeirError } from '../../shared/errors.ts';
import {
  type DtlsParameters,
  type IceParameters,
  kindOf,
  type RtpCapabilities,
  type RtpParameters,
  type Source,
  type TransportCounters,
  type TransportInfo,
} from '../../shared/media.ts';
import type {
  ConsumerInfo,
  Grants,
  PeerInfo,
  ServerEvents,
  SourceStates,
  TrackSettings,
  UnsupportedCodec,
} from '../../shared/protocol.ts';
import { Lifetime } from '../Lifetime.ts';
import type { AudioSlots } from '../media/audio/AudioSlots.ts';
import type { Size } from '../media/layers.ts';
import type { Placement, RoomRouters } from '../media/RoomRouters.ts';
import type { BatchTimer } from './BatchTimer.ts';
import { EventBatcher } from './EventBatcher.ts';
import type { EventSink } from './EventSink.ts';
import { mapMediasoupError } from './mapMediasoupError.ts';
import type { Participant } from './Participant.ts';
import { PeerTransports } from './PeerTransports.ts';
import type { Publication } from './Publication.ts';
import { PublishedTrack } from './PublishedTrack.ts';
import type { Subscriber } from './Subscriber.ts';
import { Subscriptions } from './Subscriptions.ts';

export interface PeerOptions {
  readonly identity: string;
  /** Where the token gives none, its owner may choose another one. */
  readonly name: { readonly text: string; readonly fixed: boolean };
  readonly metadata: string | undefined;
  readonly grants: Grants;
  readonly rtpCapabilities: RtpCapabilities;
  readonly routers: RoomRouters;
  /** The beat of its room. */
  readonly batchTimer: BatchTimer;
  /** Where its media comes in. */
  readonly placement: Placement;
  /** How many videos it takes before it has said how it shows them. */
  readonly initialVideoLimit: number;
  /** How long a consumer is kept that nobody watches, as `VideoFeed` takes it. */
  readonly consumerLinger?: number | undefined;
  /** How long a layer is still sent when a lower one is demanded, as `LayerDemand` takes it. */
  readonly upperLayerLinger?: number | undefined;
  /** Least time between two key-frame requests for one SSRC of its, in milliseconds. */
  readonly keyFrameRequestDelay: number;
  /** bit/s that it may send. */
  readonly maxIncomingBitrate: number;
  send<E extends keyof ServerEvents>(event: E, data: ServerEvents[E]): void;
}

export class Peer implements Participant, Subscriber, EventSink {
  readonly id = randomUUID();
  readonly #options: PeerOptions;
  readonly #lifetime = new Lifetime<CloseReason>();
  readonly #events: EventBatcher;
  readonly #transports: PeerTransports;
  readonly #published = new Map<Source, PublishedTrack>();
  /** Sources for which the worker is making a producer. */
  readonly #producing = new Set<Source>();
  readonly #grantsListeners = new Set<() => void>();
  #grants: Grants;
  #name: string;
  #hand = false;
  #away = false;
  #subscriptions: Subscriptions | undefined;

  constructor(options: PeerOptions) {
    this.#options = options;
    this.#grants = options.grants;
    this.#name = options.name.text;
    this.#events = new EventBatcher(options.send, options.batchTimer);
    this.#transports = new PeerTransports({
      router: options.placement.router,
      maxIncomingBitrate: options.maxIncomingBitrate,
    });
    this.#transports.events.on('routerClosed', () => this.close('mediaLost'));
    this.#transports.events.on('dtlsClosed', () => this.close('left'));
    this.#transports.events.on('tupleChanged', () => this.#subscriptions?.requestKeyFrames());
    this.#transports.events.on('congestion', (layers) => this.#subscriptions?.setLayerReduction(layers));
    this.#lifetime.defer(() => options.placement[Symbol.dispose]());
    this.#lifetime.defer(() => this.#events.close());
    this.#lifetime.defer(() => this.#transports.closeAll());
  }

  get identity(): string {
    return this.#options.identity;
  }

  get grants(): Grants {
    return this.#grants;
  }

  /** The ids of the transports that it has. */
  get transports(): { send?: string; recv?: string } {
    return this.#transports.ids;
  }

  get closed(): boolean {
    return this.#lifetime.closed;
  }

  get info(): PeerInfo {
    const { identity, metadata } = this.#options;
    const sources: SourceStates = {};
    for (const [source, { publication }] of this.#published) {
      sources[source] = publication.track.paused ? 'paused' : 'live';
    }
    return { peerId: this.id, identity, name: this.#name, metadata, sources, hand: this.#hand, away: this.#away };
  }

  /** Opens those of the wished transports that the grants allow, both at once. */
  async openTransports(wish: {
    send: boolean;
    recv: boolean;
  }): Promise<{ send?: TransportInfo; recv?: TransportInfo }> {
    const { canPublish, canSubscribe } = this.#grants;
    const [send, recv] = await Promise.all([
      wish.send && canPublish ? this.#transports.open('send') : undefined,
      wish.recv && canSubscribe ? this.openReceiving() : undefined,
    ]);
    this.#assertOpen();
    return { ...(send && { send }), ...(recv && { recv }) };
  }

  /** @throws {WeirError} `forbidden`, `conflict` */
  async openSending(): Promise<TransportInfo> {
    if (!this.#grants.canPublish) throw new WeirError('forbidden', 'You may not publish here.');
    return this.#transports.open('send');
  }

  /** What is published is to be offered to it then. @throws {WeirError} `forbidden`, `conflict` */
  async openReceiving(): Promise<TransportInfo> {
    if (!this.#grants.canSubscribe) throw new WeirError('forbidden', 'You may not receive anything here.');
    const info = await this.#transports.open('recv');
    this.#openSubscriptions();
    return info;
  }

  /** What it may do from now on: what it no longer may has ended when this returns. */
  setGrants(grants: Grants): void {
    // A hand is raised to the stage or to those who run it: whoever changes sides takes it down.
    if (grants.hidden !== this.#grants.hidden) this.#hand = false;
    this.#grants = grants;
    for (const [source, published] of this.#published) {
      if (!grants.canPublish || !grants.canPublishSources.includes(source)) published.close();
    }
    if (!grants.canPublish) this.#transports.close('send');
    if (!grants.canSubscribe) {
      this.#transports.close('recv');
      this.#subscriptions = undefined;
    }
    this.notify('grantsChanged', { grants });
    for (const listener of this.#grantsListeners) listener();
  }

  /** Runs `listener` whenever its grants have changed. */
  onGrants(listener: () => void): void {
    this.#grantsListeners.add(listener);
  }

  /** Lets news out from now on. @returns all its consumers, for the reply that says what there is */
  start(): ConsumerInfo[] {
    this.#events.open();
    return this.#subscriptions?.consumers ?? [];
  }

  /** What others publish and its client cannot decode. */
  get unsupportedCodecs(): UnsupportedCodec[] {
    return this.#subscriptions?.unsupportedCodecs ?? [];
  }

  /** How much of what it publishes is watched, as its client was told. */
  get subscribedLayers(): ServerEvents['subscribedLayers'][] {
    const videos = [...this.#published.values()].filter(({ publication }) => publication.track.kind === 'video');
    return videos.map(({ publication, demandedLayer }) => ({
      source: publication.track.source,
      maxSpatialLayer: demandedLayer,
    }));
  }

  /** There is nobody to tell anything, for a while: what happens meanwhile is in the next `start()`. */
  suspendEvents(): void {
    this.#events.suspend();
  }

  /** Tells it at once what it would hear at the end of this turn. */
  flush(): void {
    this.#events.flush();
  }

  setAway(away: boolean): void {
    this.#away = away;
  }

  /** As `Transports.restartIce`. */
  restartIce(): Promise<{ send?: IceParameters; recv?: IceParameters }> {
    return this.#transports.restartIce();
  }

  /** As `Transports.getStats`. */
  getTransportStats(): Promise<TransportCounters> {
    return this.#transports.getStats();
  }

  /** As `Transports.connect`. */
  connectTransport(transportId: string, dtlsParameters: DtlsParameters): Promise<void> {
    return this.#transports.connect(transportId, dtlsParameters);
  }

  /**
   * @param wish.size of the highest layer of a video, in pixels
   * @param wish.layers how many of its spatial layers are used
   * @throws {WeirError} `forbidden`, `conflict`, `notFound` (no sending transport), `badRequest`, `closed`
   */
  async produce(
    source: Source,
    rtpParameters: RtpParameters,
    { paused, ...shape }: { paused: boolean; size?: Size | undefined; layers?: number | undefined },
  ): Promise<Publication> {
    this.#assertMayPublish(source);
    const transport = this.#transports.get('send');
    if (!transport) throw new WeirError('notFound', 'You have no sending transport: ask for one first.');
    if (this.#published.has(source) || this.#producing.has(source))
      throw new WeirError('conflict', `You publish ${source} already.`);
    const kind = kindOf[source];
    if (rtpParameters.codecs.some(({ mimeType }) => !mimeType.toLowerCase().startsWith(`${kind}/`))) {
      throw new WeirError('badRequest', `${source} takes ${kind} codecs only.`);
    }
    const { keyFrameRequestDelay } = this.#options;
    this.#producing.add(source);
    const producer = await mapMediasoupError(
      transport.produce({ kind, rtpParameters, paused, keyFrameRequestDelay }),
      'These RTP parameters were not accepted.',
    ).finally(() => this.#producing.delete(source));
    // mediasoup does not look whether the transport ended meanwhile: such a producer would be nobody's.
    if (this.closed || producer.closed) {
      producer.close();
      throw new WeirError('closed');
    }
    try {
      // The right may have gone meanwhile.
      this.#assertMayPublish(source);
    } catch (error) {
      producer.close();
      throw error;
    }
    const { placement, upperLayerLinger } = this.#options;
    const { router } = placement;
    const published = new PublishedTrack({ peerId: this.id, source, producer, router, upperLayerLinger, ...shape });
    const { publication } = published;
    this.#published.set(source, published);
    publication.onEnd(() => this.#published.delete(source));
    if (kind === 'video') {
      published.onDemandedLayer((maxSpatialLayer) => this.notify('subscribedLayers', { source, maxSpatialLayer }));
    }
    return publication;
  }

  /** The track of a video has another size. @throws {WeirError} `notFound` */
  resizeProducer(source: Source, size: Size, layers?: number): void {
    this.#requirePublished(source).resize(size, layers);
  }

  closeProducer(source: Source): void {
    this.#requirePublished(source).close();
  }

  async pauseProducer(source: Source): Promise<void> {
    await mapMediasoupError(this.#requirePublished(source).pause(), 'This source cannot be paused.');
  }

  async resumeProducer(source: Source): Promise<void> {
    await mapMediasoupError(this.#requirePublished(source).resume(), 'This source cannot be resumed.');
  }

  /** @param name what it wants to be called, where its token does not say it */
  setHand(raised: boolean, name?: string): void {
    this.#hand = raised;
    if (name !== undefined && !this.#options.name.fixed) this.#name = name;
  }

  /** @throws {WeirError} `notFound` for ids that are not (or no longer) its own, after all others have been resumed */
  async resumeConsumers(consumerIds: readonly string[]): Promise<void> {
    const ids = new Set(consumerIds);
    const own = (await this.#subscriptions?.ready(ids)) ?? 0;
    if (own < ids.size) throw new WeirError('notFound', 'Not all of these consumers are yours.');
  }

  /** How videos of others are shown from now on. */
  updateTrackSettings(tracks: readonly TrackSettings[]): void {
    this.#subscriptions?.updateTrackSettings(tracks);
  }

  async subscribe(publication: Publication): Promise<void> {
    this.#options.placement.activate();
    await this.#subscriptions?.subscribe(publication);
  }

  unsubscribeAll(): void {
    this.#subscriptions?.unsubscribeAll();
  }

  async subscribeSlots(slots: AudioSlots): Promise<void> {
    await this.#subscriptions?.subscribeSlots(slots);
  }

  async unsubscribeSlots(): Promise<void> {
    await this.#subscriptions?.unsubscribeSlots();
  }

  removePeer(peerId: string): void {
    this.#subscriptions?.removePeer(peerId);
  }

  notify<E extends keyof ServerEvents>(event: E, data: ServerEvents[E]): void {
    this.#events.notify(event, data);
  }

  close(reason: CloseReason): void {
    this.#lifetime.end(reason);
  }

  onEnd(listener: (reason: CloseReason) => void): void {
    this.#lifetime.defer(listener);
  }

  #openSubscriptions(): void {
    const transport = this.#transports.get('recv');
    if (!transport) return;
    const { placement, routers, rtpCapabilities, initialVideoLimit, consumerLinger: linger } = this.#options;
    this.#subscriptions = new Subscriptions({
      peerId: this.id,
      transport,
      router: placement.router,
      routers,
      rtpCapabilities,
      initialVideoLimit,
      linger,
      events: {
        consumerOpened: (info) => this.#events.consumerOpened(info),
        consumerClosed: (consumerId) => this.#events.consumerClosed(consumerId),
        unsupportedCodec: (what) => this.notify('unsupportedCodec', what),
      },
    });
  }

  /** @throws {WeirError} `forbidden` */
  #assertMayPublish(source: Source): void {
    const { canPublish, canPublishSources } = this.#grants;
    if (canPublish && canPublishSources.includes(source)) return;
    throw new WeirError('forbidden', `You may not publish ${source} here.`);
  }

  /** @throws {WeirError} `notFound` */
  #requirePublished(source: Source): PublishedTrack {
    const published = this.#published.get(source);
    if (!published) throw new WeirError('notFound', `You do not publish ${source}.`);
    return published;
  }

  #assertOpen(): void {
    if (this.closed) throw new WeirError('closed');
  }
}
