/** Owns a browser's stay in a room: its two transports, and what it publishes. */
import { randomUUID } from 'node:crypto';
import { errors } from 'mediasoup';
import type { Producer, WebRtcTransport } from 'mediasoup/types';
import type { CloseReason } from '../../shared/closing.ts';
import { WeirError } from '../../shared/errors.ts';
import {
  type DtlsParameters,
  type IceParameters,
  kindOf,
  type RtpCapabilities,
  type RtpParameters,
  type Source,
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
import { KEY_FRAME_REQUEST_DELAY, MIN_OUTGOING_BITRATE } from '../media/options.ts';
import type { VoiceSlots } from '../media/voices/VoiceSlots.ts';
import { Allowance } from './Allowance.ts';
import { Intake } from './Intake.ts';
import type { Member } from './Member.ts';
import { Outbox } from './Outbox.ts';
import type { Pace } from './Pace.ts';
import { Publication } from './Publication.ts';

/** So many ICE restarts in so long, and so long between two, in milliseconds. */
const ICE_RESTARTS = { most: 5, within: 60_000, apart: 5000 };

/** How long a close frame may take to come after the end of the media, in milliseconds. */
const FAREWELL = 500;
/** Between two refreshments of all pictures, in milliseconds. */
const REFRESH = 1000;

export interface PeerOptions {
  readonly identity: string;
  readonly name: string;
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
  /** bit/s that it may send. */
  readonly maxIncomingBitrate: number;
  send<E extends keyof ServerEvents>(event: E, data: ServerEvents[E]): void;
}

export class Peer implements Member {
  readonly id = randomUUID();
  readonly #options: PeerOptions;
  readonly #lifetime = new Lifetime<CloseReason>();
  readonly #outbox: Outbox;
  readonly #published = new Map<Source, Publication>();
  readonly #connected = new Set<string>();
  readonly #iceRestarts = new Allowance(ICE_RESTARTS);
  #refreshing: NodeJS.Timeout | undefined;
  #hand = false;
  #away = false;
  #send: WebRtcTransport | undefined;
  #recv: WebRtcTransport | undefined;
  #intake: Intake | undefined;

  constructor(options: PeerOptions) {
    this.#options = options;
    this.#outbox = new Outbox(options.send, options.pace);
    this.#lifetime.defer(() => options.place[Symbol.dispose]());
    this.#lifetime.defer(() => this.#outbox.close());
    this.#lifetime.defer(() => clearTimeout(this.#refreshing));
  }

  get identity(): string {
    return this.#options.identity;
  }

  get hidden(): boolean {
    return this.#options.grants.hidden;
  }

  get isAdmin(): boolean {
    return this.#options.grants.roomAdmin;
  }

  get closed(): boolean {
    return this.#lifetime.closed;
  }

  get info(): PeerInfo {
    const { identity, name, metadata } = this.#options;
    const sources: SourceStates = {};
    for (const [source, { producer }] of this.#published) sources[source] = producer.paused ? 'paused' : 'live';
    return { peerId: this.id, identity, name, metadata, sources, hand: this.#hand, away: this.#away };
  }

  /** Opens those of the wished transports that the grants allow, both at once. */
  async openTransports(wish: {
    send: boolean;
    recv: boolean;
  }): Promise<{ send?: TransportInfo; recv?: TransportInfo }> {
    const { grants, maxIncomingBitrate } = this.#options;
    const { hub } = this.#options.place;
    const open = async (wanted: boolean) => {
      if (!wanted) return undefined;
      const transport = await hub.createTransport();
      this.#lifetime.defer(() => transport.close());
      transport.once('routerclose', () => this.close('mediaLost'));
      // The other end said goodbye (RFC 5246, section 7.2.1): whoever only lost the way says nothing.
      transport.on('dtlsstatechange', (state) => state === 'closed' && this.#farewell());
      // It came from somewhere else, and what was sent meanwhile is lost: pictures begin anew rather than wait for it.
      transport.on('iceselectedtuplechange', () => transport.dtlsState === 'connected' && this.#refresh(transport));
      return transport;
    };
    [this.#send, this.#recv] = await Promise.all([
      open(wish.send && grants.canPublish),
      open(wish.recv && grants.canSubscribe),
    ]);
    this.#mustBeOpen();
    this.#intake = this.#recv && this.#openIntake(this.#recv);
    await Promise.all([
      this.#send?.setMaxIncomingBitrate(maxIncomingBitrate),
      this.#recv?.setMinOutgoingBitrate(MIN_OUTGOING_BITRATE),
    ]);
    this.#mustBeOpen();
    return {
      ...(this.#send && { send: hub.describe(this.#send) }),
      ...(this.#recv && { recv: hub.describe(this.#recv) }),
    };
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

  /**
   * New ICE credentials for both transports; media stays where it is until the client finds another way with them.
   * @throws {WeirError} `rateLimited`
   */
  async restartIce(): Promise<{ send?: IceParameters; recv?: IceParameters }> {
    const wait = this.#iceRestarts.take();
    if (wait > 0) throw new WeirError('rateLimited', `ICE restarts again in ${Math.ceil(wait / 1000)} s.`);
    const restart = (transport: WebRtcTransport | undefined) =>
      transport && accepted(transport.restartIce(), 'This transport cannot be restarted.');
    const [send, recv] = await Promise.all([restart(this.#send), restart(this.#recv)]);
    return { ...(send && { send }), ...(recv && { recv }) };
  }

  /** @throws {WeirError} `notFound`, `conflict` when it is connected already */
  async connectTransport(transportId: string, dtlsParameters: DtlsParameters): Promise<void> {
    const transport = [this.#send, this.#recv].find((one) => one?.id === transportId);
    if (!transport) throw new WeirError('notFound', 'You have no transport of that id.');
    if (this.#connected.has(transport.id)) throw new WeirError('conflict', 'This transport is connected already.');
    await accepted(transport.connect({ dtlsParameters }), 'These DTLS parameters were not accepted.');
    this.#connected.add(transport.id);
  }

  /**
   * @param wish.size of the highest layer of a video, in pixels
   * @throws {WeirError} `forbidden`, `conflict`, `notFound` (no sending transport), `badRequest`, `closed`
   */
  async produce(
    source: Source,
    rtpParameters: RtpParameters,
    { paused, size }: { paused: boolean; size?: Size | undefined },
  ): Promise<Publication> {
    const { grants } = this.#options;
    if (!grants.canPublish || !grants.canPublishSources.includes(source)) {
      throw new WeirError('forbidden', `Your token does not let you publish ${source}.`);
    }
    if (!this.#send) throw new WeirError('notFound', 'You asked for no sending transport when you joined.');
    if (this.#published.has(source)) throw new WeirError('conflict', `You publish ${source} already.`);
    const kind = kindOf[source];
    if (rtpParameters.codecs.some(({ mimeType }) => !mimeType.toLowerCase().startsWith(`${kind}/`))) {
      throw new WeirError('badRequest', `${source} takes ${kind} codecs only.`);
    }
    const producer = await accepted(
      this.#send.produce({
        kind,
        rtpParameters,
        paused,
        keyFrameRequestDelay: KEY_FRAME_REQUEST_DELAY,
      }),
      'These RTP parameters were not accepted.',
    );
    // mediasoup does not look whether the transport ended meanwhile: such a producer would be nobody's.
    if (this.closed || producer.closed) {
      producer.close();
      throw new WeirError('closed');
    }
    const publication = new Publication({ peerId: this.id, source, producer, hub: this.#options.place.hub, size });
    this.#published.set(source, publication);
    producer.observer.once('close', () => this.#published.delete(source));
    if (kind === 'video') {
      publication.onWatched((maxSpatialLayer) => this.notify('producerWatched', { source, maxSpatialLayer }));
    }
    return publication;
  }

  closeProducer(source: Source): void {
    this.#producer(source).close();
  }

  async pauseProducer(source: Source): Promise<void> {
    await this.#producer(source).pause();
  }

  async resumeProducer(source: Source): Promise<void> {
    await this.#producer(source).resume();
  }

  setHand(raised: boolean): void {
    this.#hand = raised;
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
    await this.#intake?.offer(publication);
  }

  async takeSlots(slots: VoiceSlots): Promise<void> {
    if (!this.#intake) return;
    const producers = await slots.producersOn(this.#options.place.hub.router);
    await this.#intake.takeSlots(producers);
  }

  leaveSlots(): void {
    this.#intake?.leaveSlots();
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

  /** The client has closed its media: it is gone, unless its connection has more to say of why. */
  #farewell(): void {
    const timer = setTimeout(() => this.close('left'), FAREWELL);
    this.#lifetime.defer(() => clearTimeout(timer));
  }

  /** Asks for a key frame of every picture that goes out over `transport`, once a while, however often it moves. */
  #refresh(transport: WebRtcTransport): void {
    if (transport !== this.#recv || this.#refreshing) return;
    this.#refreshing = setTimeout(() => {
      this.#refreshing = undefined;
    }, REFRESH);
    this.#intake?.refresh();
  }

  #openIntake(transport: WebRtcTransport): Intake {
    const { place, fabric, rtpCapabilities, videos } = this.#options;
    return new Intake({
      transport,
      hub: place.hub,
      fabric,
      rtpCapabilities,
      videos,
      onOpened: (info) => this.#outbox.consumerOpened(info),
      onClosed: (consumerId) => this.#outbox.consumerClosed(consumerId),
      onUndecodable: (what) => this.notify('undecodable', what),
    });
  }

  #producer(source: Source): Producer {
    const publication = this.#published.get(source);
    if (!publication) throw new WeirError('notFound', `You do not publish ${source}.`);
    return publication.producer;
  }

  #mustBeOpen(): void {
    if (this.closed) throw new WeirError('closed');
  }
}

/** What mediasoup refuses is the request's fault, unless the media itself has ended; its words go to the log. */
async function accepted<T>(call: Promise<T>, message: string): Promise<T> {
  try {
    return await call;
  } catch (cause) {
    if (cause instanceof errors.WorkerClosedError) throw new WeirError('closed', undefined, { cause });
    throw new WeirError('badRequest', message, { cause });
  }
}
