/** A browser in a room: participant, subscriber and event sink in one, whichever connection it has at the moment. */
import { randomUUID } from 'node:crypto';
import type { CloseReason } from '../../shared/closeReasons.ts';
import { WeirError } from '../../shared/errors.ts';
import type { DtlsParameters, RtpCapabilities, Source, TransportCounters, TransportInfo } from '../../shared/media.ts';
import type {
  ConsumerInfo,
  ConsumerLayers,
  DirectTrack,
  Grants,
  PeerInfo,
  RoomPolicy,
  ServerEvents,
  TrackSettings,
  UnsupportedCodec,
} from '../../shared/protocol.ts';
import { mayExchangeData } from '../../shared/roles.ts';
import { Lifetime } from '../common/Lifetime.ts';
import type { AudioSlots } from '../media/audio/AudioSlots.ts';
import type { Placement, RoomRouters } from '../media/RoomRouters.ts';
import { trackKey } from '../media/Track.ts';
import type { BatchTimer } from './BatchTimer.ts';
import type { DirectMember } from './DirectMedia.ts';
import type { DataLimits } from './data/DataRate.ts';
import { PeerData } from './data/PeerData.ts';
import { EventBatcher } from './EventBatcher.ts';
import type { EventSink } from './EventSink.ts';
import type { LayerLinger } from './LayerDemand.ts';
import { LinkQuality, type LinkReport, type UplinkReport } from './LinkQuality.ts';
import type { InfoChange, Participant } from './Participant.ts';
import { PeerProducers } from './PeerProducers.ts';
import { PeerTransports } from './PeerTransports.ts';
import type { Publication } from './Publication.ts';
import type { Subscriber } from './Subscriber.ts';
import { Subscriptions } from './Subscriptions.ts';

export interface PeerOptions {
  readonly identity: string;
  /** A display name that is not fixed by the token can be changed by the client. */
  readonly name: { readonly text: string; readonly fixed: boolean };
  readonly metadata: string | undefined;
  readonly grants: Grants;
  /** Of the room. */
  readonly policy: RoomPolicy;
  readonly rtpCapabilities: RtpCapabilities;
  readonly routers: RoomRouters;
  /** Of the room. */
  readonly batchTimer: BatchTimer;
  /** The router of its transports; given back when the peer closes. */
  readonly placement: Placement;
  /** How many cameras it is subscribed to before the client has reported how it shows them. */
  readonly initialVideoLimit: number;
  /** How long a consumer of a video that is not shown is kept paused, in milliseconds; 10 s by default. */
  readonly consumerLinger?: number | undefined;
  /** As `LayerDemand` takes it. */
  readonly layerLinger?: LayerLinger | undefined;
  /** Least time between two key-frame requests for one of its SSRCs, in milliseconds. */
  readonly keyFrameRequestDelay: number;
  /** What it may send, in bit/s. */
  readonly maxIncomingBitrate: number;
  readonly dataLimits: DataLimits;
  /** Sends an event by the connection that it has at the moment, if any. */
  send<E extends keyof ServerEvents>(event: E, data: ServerEvents[E]): void;
}

export class Peer implements Participant, Subscriber, EventSink, DirectMember {
  readonly id = randomUUID();
  readonly producers: PeerProducers;
  /** What it sends and receives on data channels. */
  readonly data: PeerData;
  readonly #options: PeerOptions;
  readonly #lifetime = new Lifetime<CloseReason>();
  readonly #events: EventBatcher;
  readonly #transports: PeerTransports;
  readonly #linkQuality: LinkQuality;
  readonly #grantsListeners = new Set<() => void>();
  /** Exist as long as the receiving transport. */
  #subscriptions: Subscriptions | undefined;
  #grants: Grants;
  #name: string;
  #metadata: string | undefined;
  /** What it does not receive although it could. */
  readonly #unsubscribed = new WeakSet<Publication>();
  #hand = false;
  #away = false;
  #everConnected = false;

  constructor(options: PeerOptions) {
    const { grants, policy, placement, batchTimer, maxIncomingBitrate, dataLimits, keyFrameRequestDelay, layerLinger } =
      options;
    this.#options = options;
    this.#grants = grants;
    this.#name = options.name.text;
    this.#metadata = options.metadata;
    this.#lifetime.defer(() => placement[Symbol.dispose]());
    const { router } = placement;
    const sink = new EventBatcher(options.send, batchTimer);
    this.#events = sink;
    this.#lifetime.defer(() => sink.close());
    const transports = new PeerTransports({ router, maxIncomingBitrate });
    this.#transports = transports;
    this.#lifetime.defer(() => transports.closeAll());
    transports.events.on('dtlsClosed', () => this.close('left'));
    transports.events.on('tupleChanged', (direction) => {
      if (direction === 'send') this.producers.pathChanged();
      else this.#subscriptions?.requestKeyFrames();
    });
    transports.events.on('congestion', (layers) => {
      this.#subscriptions?.setLayerReduction(layers);
      this.#linkQuality.setCongested(layers > 0);
    });
    this.#linkQuality = new LinkQuality({
      getStats: () => transports.getLinkStats(),
      hasLimitedLayers: () => this.#subscriptions?.isLimited ?? false,
      isOverloaded: () => router.worker.overloaded,
    });
    this.producers = new PeerProducers({
      peerId: this.id,
      grants,
      policy,
      router,
      transports,
      keyFrameRequestDelay,
      layerLinger,
      sink,
      unmutes: true,
    });
    this.data = new PeerData({
      limits: dataLimits,
      grants: () => this.#grants,
      open: () => transports.openData(),
      close: () => transports.close('data'),
      notify: (event, data) => sink.notify(event, data),
    });
    this.#lifetime.defer((reason) => this.data.close(reason));
    placement.onLost(() => this.close('mediaLost'));
  }

  get closed(): boolean {
    return this.#lifetime.closed;
  }

  close(reason: CloseReason, by?: string): void {
    if (by !== undefined && !this.closed) {
      this.notify('closing', { by });
      this.flush();
    }
    this.#lifetime.end(reason);
  }

  onEnd(listener: (reason: CloseReason) => void): void {
    this.#lifetime.defer(listener);
  }

  // Participant

  get identity(): string {
    return this.#options.identity;
  }

  get info(): PeerInfo {
    const { identity } = this.#options;
    const { sources } = this.producers;
    return {
      ...{
        peerId: this.id,
        identity,
        name: this.#name,
        metadata: this.#metadata,
        sources,
        hand: this.#hand,
        away: this.#away,
      },
      canExchangeData: mayExchangeData(this.#grants),
    };
  }

  get everConnected(): boolean {
    return this.#everConnected;
  }

  /** Its client has shown that it has the reply to `join`. */
  setConnected(): void {
    this.#everConnected = true;
  }

  setInfo({ name, metadata }: InfoChange): void {
    if (name !== undefined) this.#name = name;
    if (metadata !== undefined) this.#metadata = metadata || undefined;
  }

  get grants(): Grants {
    return this.#grants;
  }

  setGrants(grants: Grants, by?: string): void {
    // Speakers raise their hands to everyone, viewers to administrators: a raised hand does not survive the change of
    // sides.
    if (grants.hidden !== this.#grants.hidden) this.#hand = false;
    this.#grants = grants;
    this.producers.setGrants(grants);
    if (!grants.canPublish) this.#transports.close('send');
    if (!grants.canSubscribe) {
      this.#transports.close('recv');
      this.#subscriptions = undefined;
    }
    this.data.applyGrants();
    this.notify('grantsChanged', { grants, by });
    for (const listener of this.#grantsListeners) listener();
  }

  /** Runs `listener` whenever its grants have changed. */
  onGrants(listener: () => void): void {
    this.#grantsListeners.add(listener);
  }

  /** @param name what the client wants to be called; without effect where the token says it */
  setHand(raised: boolean, name?: string): void {
    this.#hand = raised;
    if (name !== undefined && !this.#options.name.fixed) this.#name = name;
  }

  setAway(away: boolean): void {
    this.#away = away;
  }

  // Transports

  /** The ids of the transports that it has. */
  get transports(): { send?: string; recv?: string; data?: string } {
    return this.#transports.ids;
  }

  /**
   * Opens those of the wanted transports that the grants allow, concurrently.
   * @throws {WeirError} `closed`, `unavailable`
   */
  async openTransports(wanted: {
    send: boolean;
    recv: boolean;
  }): Promise<{ send?: TransportInfo; recv?: TransportInfo }> {
    const { canPublish, canSubscribe } = this.#grants;
    const [send, recv] = await Promise.all([
      wanted.send && canPublish ? this.openSending() : undefined,
      wanted.recv && canSubscribe ? this.openReceiving() : undefined,
    ]);
    if (this.closed) throw new WeirError('closed');
    return { ...(send && { send }), ...(recv && { recv }) };
  }

  /** @throws {WeirError} `forbidden`, `conflict`, `closed`, `unavailable` */
  async openSending(): Promise<TransportInfo> {
    if (!this.#grants.canPublish) throw new WeirError('forbidden', 'You may not publish here.');
    return this.#transports.open('send');
  }

  /**
   * The room has to subscribe it to what is published then.
   * @throws {WeirError} `forbidden`, `conflict`, `closed`, `unavailable`
   */
  async openReceiving(): Promise<TransportInfo> {
    if (!this.#grants.canSubscribe) throw new WeirError('forbidden', 'You may not receive anything here.');
    const info = await this.#transports.open('recv');
    this.#openSubscriptions();
    return info;
  }

  /** As `PeerTransports.connect`. */
  connectTransport(transportId: string, dtlsParameters: DtlsParameters): Promise<void> {
    return this.#transports.connect(transportId, dtlsParameters);
  }

  /** As `PeerTransports.restartIce`. */
  restartIce(): ReturnType<PeerTransports['restartIce']> {
    return this.#transports.restartIce();
  }

  /** As `PeerTransports.getStats`. */
  getTransportStats(): Promise<TransportCounters> {
    return this.#transports.getStats();
  }

  /**
   * How good its links are, for its client.
   * @param uplinkLimited what the client says of its bandwidth
   * @throws {WeirError} `rateLimited`, `closed`
   */
  getLinkReport(uplinkLimited: boolean): Promise<LinkReport> {
    this.#linkQuality.takeRequest();
    this.#linkQuality.setUplinkLimited(uplinkLimited);
    return this.#linkQuality.report();
  }

  getUplinkReport(): Promise<UplinkReport> {
    return this.#linkQuality.uplink();
  }

  // Subscriber

  async subscribe(publication: Publication): Promise<void> {
    this.#options.placement.activate();
    if (this.#unsubscribed.has(publication)) return;
    await this.#subscriptions?.subscribe(publication);
  }

  async setSubscribed(publication: Publication, subscribed: boolean, now: boolean): Promise<void> {
    if (!subscribed) {
      this.#unsubscribed.add(publication);
      this.#subscriptions?.unsubscribe(publication);
    } else if (this.#unsubscribed.delete(publication) && now) await this.subscribe(publication);
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

  /** What others publish and its client cannot decode. */
  get unsupportedCodecs(): UnsupportedCodec[] {
    return this.#subscriptions?.unsupportedCodecs ?? [];
  }

  /** The layers of the videos that are forwarded to it now. */
  get consumerLayers(): ConsumerLayers[] {
    return this.#subscriptions?.layers ?? [];
  }

  /** The client can decode these. @throws {WeirError} `notFound` for unknown ids, after all others have been resumed */
  async resumeConsumers(consumerIds: readonly string[]): Promise<void> {
    const ids = new Set(consumerIds);
    const own = (await this.#subscriptions?.ready(ids)) ?? 0;
    if (own < ids.size) throw new WeirError('notFound', 'Not all of these consumers are yours.');
  }

  /** How the client shows videos of others from now on. */
  updateTrackSettings(tracks: readonly TrackSettings[]): void {
    this.#subscriptions?.updateTrackSettings(tracks);
  }

  // Direct media

  setDirectTracks(tracks: readonly DirectTrack[]): void {
    this.#subscriptions?.setDirectTracks(new Set(tracks.map(trackKey)));
  }

  setDirectSources(sources: ReadonlySet<Source>): void {
    this.producers.setDirectSources(sources);
  }

  // Event sink

  notify<E extends keyof ServerEvents>(event: E, data: ServerEvents[E]): void {
    this.#events.notify(event, data);
  }

  /** Sends events from now on. @returns all of its consumers, for the snapshot in the reply to `join` or `resume` */
  start(): ConsumerInfo[] {
    this.#events.open();
    return this.#subscriptions?.consumers ?? [];
  }

  /** Drops events until the next `start()`, whose snapshot has what they would have said: there is no connection. */
  suspendEvents(): void {
    this.#events.suspend();
  }

  /** Sends at once what would leave at the end of this turn of the event loop. */
  flush(): void {
    this.#events.flush();
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
}
