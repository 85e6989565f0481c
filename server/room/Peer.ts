/** Owns a browser's stay in a room: its two transports, and what it publishes. */
import { randomUUID } from 'node:crypto';
import type { Producer } from 'mediasoup/types';
import type { CloseReason } from '../../shared/closing.ts';
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
  Undecodable,
  View,
} from '../../shared/protocol.ts';
import { Lifetime } from '../Lifetime.ts';
import type { Fabric, Place } from '../media/Fabric.ts';
import type { Size } from '../media/layers.ts';
import type { VoiceSlots } from '../media/voices/VoiceSlots.ts';
import { accepted } from './accepted.ts';
import { Intake } from './Intake.ts';
import type { Member } from './Member.ts';
import { Outbox } from './Outbox.ts';
import type { Pace } from './Pace.ts';
import { Publication } from './Publication.ts';
import { Transports } from './Transports.ts';

export interface PeerOptions {
  readonly identity: string;
  /** Where the token gives none, its owner may choose another one. */
  readonly name: { readonly text: string; readonly fixed: boolean };
  readonly metadata: string | undefined;
  readonly grants: Grants;
  readonly rtpCapabilities: RtpCapabilities;
  readonly fabric: Fabric;
  /** The beat of its room. */
  readonly pace: Pace;
  /** Where its media comes in. */
  readonly place: Place;
  /** How many videos it takes before it has said how it shows them. */
  readonly videos: number;
  /** How long a consumer is kept that nobody watches, as `VideoFeed` takes it. */
  readonly consumerLinger?: number | undefined;
  /** Least time between two key-frame requests for one SSRC of its, in milliseconds. */
  readonly keyFrameRequestDelay: number;
  /** bit/s that it may send. */
  readonly maxIncomingBitrate: number;
  send<E extends keyof ServerEvents>(event: E, data: ServerEvents[E]): void;
}

export class Peer implements Member {
  readonly id = randomUUID();
  readonly #options: PeerOptions;
  readonly #lifetime = new Lifetime<CloseReason>();
  readonly #outbox: Outbox;
  readonly #transports: Transports;
  readonly #published = new Map<Source, Publication>();
  /** Sources for which the worker is making a producer. */
  readonly #producing = new Set<Source>();
  readonly #grantsListeners = new Set<() => void>();
  #grants: Grants;
  #name: string;
  #hand = false;
  #away = false;
  #intake: Intake | undefined;

  constructor(options: PeerOptions) {
    this.#options = options;
    this.#grants = options.grants;
    this.#name = options.name.text;
    this.#outbox = new Outbox(options.send, options.pace);
    this.#transports = new Transports({
      hub: options.place.hub,
      maxIncomingBitrate: options.maxIncomingBitrate,
      onLost: () => this.close('mediaLost'),
      onFarewell: () => this.close('left'),
      onMoved: () => this.#intake?.refresh(),
      onNarrow: (layersLess) => this.#intake?.setLess(layersLess),
    });
    this.#lifetime.defer(() => options.place[Symbol.dispose]());
    this.#lifetime.defer(() => this.#outbox.close());
    this.#lifetime.defer(() => this.#transports.closeAll());
  }

  get identity(): string {
    return this.#options.identity;
  }

  get hidden(): boolean {
    return this.#grants.hidden;
  }

  get isAdmin(): boolean {
    return this.#grants.roomAdmin;
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
    for (const [source, { producer }] of this.#published) sources[source] = producer.paused ? 'paused' : 'live';
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
    this.#mustBeOpen();
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
    this.#openIntake();
    return info;
  }

  /** What it may do from now on: what it no longer may has ended when this returns. */
  setGrants(grants: Grants): void {
    // A hand is raised to the stage or to those who run it: whoever changes sides takes it down.
    if (grants.hidden !== this.#grants.hidden) this.#hand = false;
    this.#grants = grants;
    for (const [source, { producer }] of this.#published) {
      if (!grants.canPublish || !grants.canPublishSources.includes(source)) producer.close();
    }
    if (!grants.canPublish) this.#transports.close('send');
    if (!grants.canSubscribe) {
      this.#transports.close('recv');
      this.#intake = undefined;
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
    this.#outbox.open();
    return this.#intake?.consumers ?? [];
  }

  /** What others publish and its client cannot decode. */
  get undecodable(): Undecodable[] {
    return this.#intake?.undecodable ?? [];
  }

  /** How much of what it publishes is watched, as its client was told. */
  get watched(): ServerEvents['producerWatched'][] {
    const videos = [...this.#published.values()].filter(({ producer }) => producer.kind === 'video');
    return videos.map(({ source, watched }) => ({ source, maxSpatialLayer: watched }));
  }

  /** There is nobody to tell anything, for a while: what happens meanwhile is in the next `start()`. */
  hold(): void {
    this.#outbox.hold();
  }

  /** Tells it at once what it would hear at the end of this turn. */
  flush(): void {
    this.#outbox.flush();
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
    this.#mustBeAllowed(source);
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
    const producer = await accepted(
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
      this.#mustBeAllowed(source);
    } catch (error) {
      producer.close();
      throw error;
    }
    const { hub } = this.#options.place;
    const publication = new Publication({ peerId: this.id, source, producer, hub, ...shape });
    this.#published.set(source, publication);
    producer.observer.once('close', () => this.#published.delete(source));
    if (kind === 'video') {
      publication.onWatched((maxSpatialLayer) => this.notify('producerWatched', { source, maxSpatialLayer }));
    }
    return publication;
  }

  /** The track of a video has another size. @throws {WeirError} `notFound` */
  resizeProducer(source: Source, size: Size, layers?: number): void {
    this.#publication(source).resize(size, layers);
  }

  closeProducer(source: Source): void {
    this.#producer(source).close();
  }

  async pauseProducer(source: Source): Promise<void> {
    await accepted(this.#producer(source).pause(), 'This source cannot be paused.');
  }

  async resumeProducer(source: Source): Promise<void> {
    await accepted(this.#producer(source).resume(), 'This source cannot be resumed.');
  }

  /** @param name what it wants to be called, where its token does not say it */
  setHand(raised: boolean, name?: string): void {
    this.#hand = raised;
    if (name !== undefined && !this.#options.name.fixed) this.#name = name;
  }

  /** @throws {WeirError} `notFound` for ids that are not (or no longer) its own, after all others have been resumed */
  async resumeConsumers(consumerIds: readonly string[]): Promise<void> {
    const ids = new Set(consumerIds);
    const own = (await this.#intake?.ready(ids)) ?? 0;
    if (own < ids.size) throw new WeirError('notFound', 'Not all of these consumers are yours.');
  }

  /** How videos of others are shown from now on. */
  setViews(views: readonly View[]): void {
    this.#intake?.setViews(views);
  }

  async offer(publication: Publication): Promise<void> {
    this.#options.place.begin();
    await this.#intake?.offer(publication);
  }

  withdraw(): void {
    this.#intake?.withdraw();
  }

  async takeSlots(slots: VoiceSlots): Promise<void> {
    await this.#intake?.takeSlots(slots);
  }

  async leaveSlots(): Promise<void> {
    await this.#intake?.leaveSlots();
  }

  setOwnSlot(slot: number | undefined): void {
    this.#intake?.setOwnSlot(slot);
  }

  notify<E extends keyof ServerEvents>(event: E, data: ServerEvents[E]): void {
    if (event === 'peerClosed' && 'peerId' in data) this.#intake?.forget(data.peerId);
    this.#outbox.notify(event, data);
  }

  close(reason: CloseReason): void {
    this.#lifetime.end(reason);
  }

  onEnd(listener: (reason: CloseReason) => void): void {
    this.#lifetime.defer(listener);
  }

  #openIntake(): void {
    const transport = this.#transports.get('recv');
    if (!transport) return;
    const { place, fabric, rtpCapabilities, videos, consumerLinger: linger } = this.#options;
    this.#intake = new Intake({
      transport,
      hub: place.hub,
      fabric,
      rtpCapabilities,
      videos,
      linger,
      onOpened: (info) => this.#outbox.consumerOpened(info),
      onClosed: (consumerId) => this.#outbox.consumerClosed(consumerId),
      onUndecodable: (what) => this.notify('undecodable', what),
    });
  }

  /** @throws {WeirError} `forbidden` */
  #mustBeAllowed(source: Source): void {
    const { canPublish, canPublishSources } = this.#grants;
    if (canPublish && canPublishSources.includes(source)) return;
    throw new WeirError('forbidden', `You may not publish ${source} here.`);
  }

  #producer(source: Source): Producer {
    return this.#publication(source).producer;
  }

  #publication(source: Source): Publication {
    const publication = this.#published.get(source);
    if (!publication) throw new WeirError('notFound', `You do not publish ${source}.`);
    return publication;
  }

  #mustBeOpen(): void {
    if (this.closed) throw new WeirError('closed');
  }
}
