/** Owns what a peer receives: videos as far as they are shown, sound as it is, or by slots in a large room. */
import type { WebRtcTransport } from 'mediasoup/types';
import type { RtpCapabilities, Source } from '../../shared/media.ts';
import type { ConsumerInfo, TrackSettings, UnsupportedCodec } from '../../shared/protocol.ts';
import type { AudioSlots } from '../media/audio/AudioSlots.ts';
import { ConsumerFactory } from '../media/ConsumerFactory.ts';
import { layerForQuality, layerForSize, priorityOf } from '../media/layers.ts';
import type { RoomRouter } from '../media/RoomRouter.ts';
import type { RoomRouters } from '../media/RoomRouters.ts';
import { isClosed } from '../media/rethrowUnavailable.ts';
import { AudioSubscription } from './AudioSubscription.ts';
import type { Publication } from './Publication.ts';
import { Retries } from './Retries.ts';
import { type SubscriptionTarget, VideoSubscription } from './VideoSubscription.ts';

export interface SubscriptionsOptions {
  readonly transport: WebRtcTransport;
  readonly router: RoomRouter;
  readonly routers: RoomRouters;
  readonly rtpCapabilities: RtpCapabilities;
  /** How many videos it takes before it has said how it shows them. */
  readonly initialVideoLimit: number;
  /** As `VideoFeed` takes it. */
  readonly linger: number | undefined;
  onOpened(info: ConsumerInfo): void;
  onClosed(consumerId: string): void;
  onUnsupportedCodec(what: UnsupportedCodec): void;
}

/** Views that are remembered. */
const MAX_TRACK_SETTINGS = 2048;

export class Subscriptions {
  readonly #options: SubscriptionsOptions;
  readonly #consumerFactory: ConsumerFactory;
  readonly #videos = new Map<string, VideoSubscription>();
  readonly #audio = new Map<string, AudioSubscription>();
  /** How videos are shown, by publisher and source; also those that are not published yet. */
  readonly #trackSettings = new Map<string, TrackSettings>();
  readonly #unsupportedCodecs = new Map<Publication, UnsupportedCodec>();
  /**
   * Sounds that it has a consumer for, or is about to have, with the slots that it had, or was about to have, when they were
   * offered last: one that was offered since it took its slots is there in place of them.
   */
  readonly #heard = new Map<Publication, symbol | undefined>();
  /** What each voice comes from that is no slot. */
  readonly #publications = new WeakMap<AudioSubscription, Publication>();
  #slots: readonly AudioSubscription[] = [];
  /** The slots that it has, or is about to have. */
  #taking: { readonly slots: AudioSlots; readonly turn: symbol; readonly taken: Promise<void> } | undefined;
  /** How voices are to come: when all that come so are ready, what is left of the other way ends. */
  #way: 'each' | 'slots' = 'each';
  /** How often everything has been given back: what was begun before that is not taken any more. */
  #withdrawals = 0;
  readonly #retries = new Retries();
  #closed = false;

  constructor(options: SubscriptionsOptions) {
    this.#options = options;
    this.#consumerFactory = new ConsumerFactory(options.rtpCapabilities);
    options.transport.observer.once('close', () => this.close());
  }

  /** All consumers that there are. */
  get consumers(): ConsumerInfo[] {
    return [
      ...[...this.#videos.values()].flatMap(({ info }) => info ?? []),
      ...[...this.#audio.values()].map(({ info }) => info),
    ];
  }

  /** What it is not sent because it could not decode it. */
  get unsupportedCodecs(): UnsupportedCodec[] {
    return [...this.#unsupportedCodecs.values()];
  }

  /** Takes a publication as it is wanted; once, however often it is offered. @throws what keeps the worker from making a consumer */
  async subscribe(publication: Publication): Promise<void> {
    const { track } = publication;
    if (this.#closed || publication.closed) return;
    if (!this.#consumerFactory.canConsume(track)) {
      this.#refuse(publication);
      return;
    }
    if (track.kind === 'audio') {
      await this.#subscribeAudio(publication);
      return;
    }
    const key = keyOf(track);
    if (this.#videos.get(key)?.publication === publication) return;
    const feed = new VideoSubscription({
      publication,
      routerId: this.#options.router.id,
      open: (layer) => this.#consume(publication, layer),
      onOpened: (info) => this.#options.onOpened(info),
      onClosed: (consumerId) => this.#options.onClosed(consumerId),
      linger: this.#options.linger,
      onResized: () => this.#show(feed),
    });
    this.#videos.set(key, feed);
    publication.onEnd(() => {
      feed.producerClosed();
      if (this.#videos.get(key) === feed) this.#videos.delete(key);
    });
    await feed.setTarget(this.#targetFor(feed));
  }

  /** How these videos are shown from now on. */
  updateTrackSettings(tracks: readonly TrackSettings[]): void {
    for (const view of tracks) {
      const key = keyOf(view);
      // The latest are those that matter, and whoever invents people must not fill the memory.
      this.#trackSettings.delete(key);
      this.#trackSettings.set(key, view);
      const [oldest] = this.#trackSettings.keys();
      if (oldest !== undefined && this.#trackSettings.size > MAX_TRACK_SETTINGS) this.#trackSettings.delete(oldest);
      const feed = this.#videos.get(key);
      if (feed) this.#show(feed);
    }
  }

  /** Forgets how somebody's videos were shown, who is gone. */
  removePeer(peerId: string): void {
    for (const [key, view] of this.#trackSettings) if (view.peerId === peerId) this.#trackSettings.delete(key);
  }

  /**
   * The client can decode these. @returns how many of them there are
   */
  async ready(consumerIds: ReadonlySet<string>): Promise<number> {
    const videos = [...this.#videos.values()].filter(({ consumer }) => consumer && consumerIds.has(consumer.id));
    const voices = [...consumerIds].flatMap((id) => this.#audio.get(id) ?? []);
    await Promise.allSettled([...videos, ...voices].map((feed) => feed.ready()));
    this.#updateAudible();
    return videos.length + voices.length;
  }

  /**
   * Takes the room's voices by slots. Microphones that it had consumers for are heard until the client has the slots.
   * @returns once the consumers are made
   */
  subscribeSlots(slots: AudioSlots): Promise<void> {
    if (this.#taking?.slots === slots) return this.#taking.taken;
    const turn = Symbol();
    const taken = this.#doSubscribeSlots(slots, turn).catch((error: unknown) => {
      // They can be asked for again.
      if (this.#taking?.turn === turn) this.#taking = undefined;
      throw error;
    });
    this.#taking = { slots, turn, taken };
    return taken;
  }

  /**
   * Takes microphones by themselves again, which have been offered; slots are heard until the client has those.
   * @returns once no slot is heard any more
   */
  async unsubscribeSlots(): Promise<void> {
    this.#taking = undefined;
    this.#way = 'each';
    const slots = this.#slots;
    this.#updateAudible();
    await Promise.all(slots.map(({ closed }) => closed));
  }

  /**
   * Lets through those slots that are for this peer: all but the last, which is for those who hold another one, in place of
   * their own.
   * @param own the slot that carries this peer's own voice
   */
  setOwnSlot(own: number | undefined): void {
    const last = this.#slots.length - 1;
    for (const feed of this.#slots) {
      const { slot } = feed.origin;
      feed.setAudible(slot === last ? own !== undefined && own !== last : slot !== own);
    }
  }

  /** The link has got narrow, or has recovered. */
  setLayerReduction(layers: number): void {
    for (const feed of this.#videos.values()) feed.setLayerReduction(layers).catch(() => {});
  }

  /** Asks for a key frame of every picture. */
  refresh(): void {
    for (const { consumer } of this.#videos.values()) {
      if (consumer && !consumer.paused) consumer.requestKeyFrame().catch(() => {});
    }
  }

  /** Gives everything back that it takes. What is offered from then on is taken again. */
  unsubscribeAll(): void {
    this.#withdrawals += 1;
    this.#retries.clear();
    for (const feed of this.#videos.values()) feed.close();
    this.#videos.clear();
    for (const feed of this.#audio.values()) feed.close();
    this.#heard.clear();
    this.#slots = [];
    this.#taking = undefined;
    this.#way = 'each';
    this.#unsupportedCodecs.clear();
  }

  close(): void {
    this.#closed = true;
    this.#retries.close();
    for (const feed of this.#videos.values()) feed.close();
    this.#videos.clear();
  }

  #show(feed: VideoSubscription): void {
    // Whatever fails has ended, and that is told.
    feed.setTarget(this.#targetFor(feed)).catch(() => {});
  }

  /** What was never named is shown as long as there is room for it. */
  #targetFor(feed: VideoSubscription): SubscriptionTarget | undefined {
    const { publication } = feed;
    const { source, size, layers } = publication.track;
    const view = this.#trackSettings.get(keyOf(publication.track));
    if (!view) {
      // A shared screen is what everyone is there for.
      const cameras = [...this.#videos.values()].filter(
        (one) => one.wanted && one.publication.track.source === 'camera',
      );
      const others = cameras.filter((one) => one !== feed);
      if (source === 'camera' && others.length >= this.#options.initialVideoLimit) return undefined;
      return { layer: layers - 1, priority: priorityOf(source, 'normal'), assumed: true };
    }
    if (view.width === 0 || view.height === 0) return undefined;
    return {
      layer: view.quality ? layerForQuality(view.quality, layers) : layerForSize(view, size, layers),
      priority: priorityOf(source, view.priority ?? 'normal'),
    };
  }

  /** @param failures how often it could not be opened before */
  async #subscribeAudio(publication: Publication, failures = 0): Promise<void> {
    const { peerId, source } = publication.track;
    const isHeard = this.#heard.has(publication);
    this.#heard.set(publication, this.#taking?.turn);
    if (isHeard) return;
    const before = this.#withdrawals;
    const over = () => {
      if (this.#withdrawals === before) this.#heard.delete(publication);
    };
    const opened = await this.#consume(publication).catch((error: unknown) => {
      over();
      const wanted = () =>
        !this.#closed && !publication.closed && this.#withdrawals === before && !this.#bySlots(source);
      if (!isClosed(error)) {
        this.#retries.later(
          failures,
          () => void (wanted() && this.#subscribeAudio(publication, failures + 1).catch(() => {})),
        );
      }
      throw error;
    });
    if (!opened) {
      over();
      return;
    }
    const { consumer, lease } = opened;
    if (this.#withdrawals > before) {
      consumer.close();
      lease[Symbol.dispose]();
      return;
    }
    consumer.observer.once('close', over);
    const feed = new AudioSubscription(consumer, { peerId, source }, lease);
    this.#publications.set(feed, publication);
    this.#addAudio(feed);
  }

  /** Whether sounds of that kind come by slots, or are about to. */
  #bySlots(source: Source): boolean {
    return source === 'microphone' && this.#taking !== undefined;
  }

  async #doSubscribeSlots(slots: AudioSlots, turn: symbol): Promise<void> {
    // Others may have taken their place, or they may have been given back, and taken anew since: that is another's turn.
    const wanted = () => this.#taking?.turn === turn;
    const producers = await slots.producersOn(this.#options.router.router);
    if (!wanted()) return;
    const made = await Promise.allSettled(
      producers.map(async (producer, slot) => {
        const consumer = await this.#consumerFactory.consume(this.#options.transport, producer);
        if (!wanted()) consumer?.close();
        return (
          consumer &&
          !consumer.closed &&
          this.#addAudio(new AudioSubscription(consumer, { slot, source: 'microphone' }))
        );
      }),
    );
    const feeds = made.flatMap((result) => (result.status === 'fulfilled' && result.value) || []);
    const failure = made.find((result) => result.status === 'rejected');
    if (failure || !wanted()) for (const feed of feeds) feed.close();
    if (failure) throw failure.reason;
    if (!wanted()) return;
    this.#slots = feeds;
    this.#way = 'slots';
    this.#updateAudible();
  }

  #updateAudible(): void {
    const microphones = [...this.#audio.values()].filter(
      ({ origin }) => origin.source === 'microphone' && origin.slot === undefined,
    );
    const [wanted, other] = this.#way === 'slots' ? [this.#slots, microphones] : [microphones, this.#slots];
    if (!wanted.every(({ isReady, consumer }) => isReady || consumer.closed)) return;
    for (const feed of other) if (!this.#replacesSlots(feed)) feed.close();
    if (this.#way === 'each') this.#slots = [];
  }

  /** Whether a microphone was offered because the slots that it has have ended, although nobody has told it to leave them yet. */
  #replacesSlots(feed: AudioSubscription): boolean {
    const publication = this.#publications.get(feed);
    if (!publication || !this.#taking) return false;
    return this.#heard.get(publication) === this.#taking.turn;
  }

  #addAudio(feed: AudioSubscription): AudioSubscription {
    const { consumer } = feed;
    this.#audio.set(consumer.id, feed);
    consumer.observer.once('close', () => {
      this.#audio.delete(consumer.id);
      this.#options.onClosed(consumer.id);
    });
    this.#options.onOpened(feed.info);
    return feed;
  }

  /** A paused consumer; undefined where there is none to be had, which the client is told if that is why. */
  async #consume(publication: Publication, spatialLayer?: number) {
    const { transport, routers, router } = this.#options;
    const lease = await routers.acquire(publication.track, router);
    try {
      const consumer = await this.#consumerFactory.consume(transport, lease.producer, spatialLayer);
      // This peer, or the producer, which takes the consumer with it, may have closed while the worker answered.
      if (consumer && this.#closed) consumer.close();
      if (consumer && !consumer.closed && !publication.closed) return { consumer, lease };
      if (!consumer) this.#refuse(publication);
    } catch (error) {
      lease[Symbol.dispose]();
      throw error;
    }
    lease[Symbol.dispose]();
    return undefined;
  }

  #refuse(publication: Publication): void {
    const { peerId, source, mimeTypes } = publication.track;
    const what = { peerId, source, mimeType: mimeTypes[0] ?? '' };
    this.#unsupportedCodecs.set(publication, what);
    publication.onEnd(() => this.#unsupportedCodecs.delete(publication));
    this.#options.onUnsupportedCodec(what);
  }
}

function keyOf({ peerId, source }: { peerId: string; source: string }): string {
  return `${peerId}:${source}`;
}
