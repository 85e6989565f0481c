/** Owns what a peer receives: videos as far as they are shown, sound as it is, or by slots in a large room. */
import type { Producer, WebRtcTransport } from 'mediasoup/types';
import type { RtpCapabilities, Source } from '../../shared/media.ts';
import type { ConsumerInfo, Undecodable, View } from '../../shared/protocol.ts';
import { isClosed } from '../media/available.ts';
import type { Fabric } from '../media/Fabric.ts';
import type { Hub } from '../media/Hub.ts';
import { layerFor, layerOf, priorityOf } from '../media/layers.ts';
import { ReceivingDevice } from '../media/receiving.ts';
import type { VoiceSlots } from '../media/voices/VoiceSlots.ts';
import type { Publication } from './Publication.ts';
import { Retries } from './Retries.ts';
import { VideoFeed, type Wish } from './VideoFeed.ts';
import { VoiceFeed } from './VoiceFeed.ts';

export interface IntakeOptions {
  readonly transport: WebRtcTransport;
  readonly hub: Hub;
  readonly fabric: Fabric;
  readonly rtpCapabilities: RtpCapabilities;
  /** How many videos it takes before it has said how it shows them. */
  readonly videos: number;
  /** As `VideoFeed` takes it. */
  readonly linger: number | undefined;
  onOpened(info: ConsumerInfo): void;
  onClosed(consumerId: string): void;
  onUndecodable(what: Undecodable): void;
}

/** Views that are remembered. */
const MOST_VIEWS = 2048;

export class Intake {
  readonly #options: IntakeOptions;
  readonly #device: ReceivingDevice;
  readonly #videos = new Map<string, VideoFeed>();
  readonly #voices = new Map<string, VoiceFeed>();
  /** How videos are shown, by publisher and source; also those that are not published yet. */
  readonly #views = new Map<string, View>();
  readonly #undecodable = new Map<Producer, Undecodable>();
  /**
   * Sounds that it has a consumer for, or is about to have, with the slots that it had, or was about to have, when they were
   * offered last: one that was offered since it took its slots is there in place of them.
   */
  readonly #heard = new Map<Producer, symbol | undefined>();
  /** What each voice comes from that is no slot. */
  readonly #producers = new WeakMap<VoiceFeed, Producer>();
  #slots: readonly VoiceFeed[] = [];
  /** The slots that it has, or is about to have. */
  #taking: { readonly slots: VoiceSlots; readonly turn: symbol; readonly taken: Promise<void> } | undefined;
  /** How voices are to come: when all that come so are ready, what is left of the other way ends. */
  #way: 'each' | 'slots' = 'each';
  /** How often everything has been given back: what was begun before that is not taken any more. */
  #withdrawals = 0;
  readonly #retries = new Retries();
  #closed = false;

  constructor(options: IntakeOptions) {
    this.#options = options;
    this.#device = new ReceivingDevice(options.rtpCapabilities);
    options.transport.observer.once('close', () => this.close());
  }

  /** All consumers that there are. */
  get consumers(): ConsumerInfo[] {
    return [
      ...[...this.#videos.values()].flatMap(({ info }) => info ?? []),
      ...[...this.#voices.values()].map(({ info }) => info),
    ];
  }

  /** What it is not sent because it could not decode it. */
  get undecodable(): Undecodable[] {
    return [...this.#undecodable.values()];
  }

  /** Takes a publication as it is wanted; once, however often it is offered. @throws what keeps the worker from making a consumer */
  async offer(publication: Publication): Promise<void> {
    const { producer } = publication;
    if (this.#closed || producer.closed) return;
    if (!this.#device.knows(producer)) {
      this.#refuse(publication);
      return;
    }
    if (producer.kind === 'audio') {
      await this.#hear(publication);
      return;
    }
    const key = keyOf(publication);
    if (this.#videos.get(key)?.publication === publication) return;
    const feed = new VideoFeed({
      publication,
      open: (layer) => this.#consume(publication, layer),
      onOpened: (info) => this.#options.onOpened(info),
      onClosed: (consumerId) => this.#options.onClosed(consumerId),
      linger: this.#options.linger,
      onResized: () => this.#show(feed),
    });
    this.#videos.set(key, feed);
    producer.observer.once('close', () => {
      feed.producerClosed();
      if (this.#videos.get(key) === feed) this.#videos.delete(key);
    });
    await feed.want(this.#wishFor(feed));
  }

  /** How these videos are shown from now on. */
  setViews(views: readonly View[]): void {
    for (const view of views) {
      const key = keyOf(view);
      // The latest are those that matter, and whoever invents people must not fill the memory.
      this.#views.delete(key);
      this.#views.set(key, view);
      const [oldest] = this.#views.keys();
      if (oldest !== undefined && this.#views.size > MOST_VIEWS) this.#views.delete(oldest);
      const feed = this.#videos.get(key);
      if (feed) this.#show(feed);
    }
  }

  /** Forgets how somebody's videos were shown, who is gone. */
  forget(peerId: string): void {
    for (const [key, view] of this.#views) if (view.peerId === peerId) this.#views.delete(key);
  }

  /**
   * The client can decode these. @returns how many of them there are
   */
  async ready(consumerIds: ReadonlySet<string>): Promise<number> {
    const videos = [...this.#videos.values()].filter(({ consumer }) => consumer && consumerIds.has(consumer.id));
    const voices = [...consumerIds].flatMap((id) => this.#voices.get(id) ?? []);
    await Promise.allSettled([...videos, ...voices].map((feed) => feed.ready()));
    this.#settleVoices();
    return videos.length + voices.length;
  }

  /**
   * Takes the room's voices by slots. Microphones that it had consumers for are heard until the client has the slots.
   * @returns once the consumers are made
   */
  takeSlots(slots: VoiceSlots): Promise<void> {
    if (this.#taking?.slots === slots) return this.#taking.taken;
    const turn = Symbol();
    const taken = this.#takeSlots(slots, turn).catch((error: unknown) => {
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
  async leaveSlots(): Promise<void> {
    this.#taking = undefined;
    this.#way = 'each';
    const slots = this.#slots;
    this.#settleVoices();
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
  setLess(layers: number): void {
    for (const feed of this.#videos.values()) feed.setLess(layers).catch(() => {});
  }

  /** Asks for a key frame of every picture. */
  refresh(): void {
    for (const { consumer } of this.#videos.values()) {
      if (consumer && !consumer.paused) consumer.requestKeyFrame().catch(() => {});
    }
  }

  /** Gives everything back that it takes. What is offered from then on is taken again. */
  withdraw(): void {
    this.#withdrawals += 1;
    this.#retries.clear();
    for (const feed of this.#videos.values()) feed.close();
    this.#videos.clear();
    for (const feed of this.#voices.values()) feed.close();
    this.#heard.clear();
    this.#slots = [];
    this.#taking = undefined;
    this.#way = 'each';
    this.#undecodable.clear();
  }

  close(): void {
    this.#closed = true;
    this.#retries.close();
    for (const feed of this.#videos.values()) feed.close();
    this.#videos.clear();
  }

  #show(feed: VideoFeed): void {
    // Whatever fails has ended, and that is told.
    feed.want(this.#wishFor(feed)).catch(() => {});
  }

  /** What was never named is shown as long as there is room for it. */
  #wishFor(feed: VideoFeed): Wish | undefined {
    const { publication } = feed;
    const view = this.#views.get(keyOf(publication));
    if (!view) {
      // A shared screen is what everyone is there for.
      const cameras = [...this.#videos.values()].filter((one) => one.wanted && one.publication.source === 'camera');
      const others = cameras.filter((one) => one !== feed);
      if (publication.source === 'camera' && others.length >= this.#options.videos) return undefined;
      return {
        layer: publication.layers - 1,
        priority: priorityOf(publication.source, 'normal'),
        assumed: true,
      };
    }
    if (view.width === 0 || view.height === 0) return undefined;
    const { size, layers } = publication;
    return {
      layer: view.quality ? layerOf(view.quality, layers) : layerFor(view, size, layers),
      priority: priorityOf(publication.source, view.priority ?? 'normal'),
    };
  }

  /** @param failures how often it could not be opened before */
  async #hear(publication: Publication, failures = 0): Promise<void> {
    const { peerId, source, producer } = publication;
    const isHeard = this.#heard.has(producer);
    this.#heard.set(producer, this.#taking?.turn);
    if (isHeard) return;
    const before = this.#withdrawals;
    const over = () => {
      if (this.#withdrawals === before) this.#heard.delete(producer);
    };
    const opened = await this.#consume(publication).catch((error: unknown) => {
      over();
      const wanted = () => !this.#closed && !producer.closed && this.#withdrawals === before && !this.#bySlots(source);
      if (!isClosed(error)) {
        this.#retries.later(failures, () => void (wanted() && this.#hear(publication, failures + 1).catch(() => {})));
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
    const feed = new VoiceFeed(consumer, { peerId, source }, lease);
    this.#producers.set(feed, producer);
    this.#addVoice(feed);
  }

  /** Whether sounds of that kind come by slots, or are about to. */
  #bySlots(source: Source): boolean {
    return source === 'microphone' && this.#taking !== undefined;
  }

  async #takeSlots(slots: VoiceSlots, turn: symbol): Promise<void> {
    // Others may have taken their place, or they may have been given back, and taken anew since: that is another's turn.
    const wanted = () => this.#taking?.turn === turn;
    const producers = await slots.producersOn(this.#options.hub.router);
    if (!wanted()) return;
    const made = await Promise.allSettled(
      producers.map(async (producer, slot) => {
        const consumer = await this.#device.consume(this.#options.transport, producer);
        if (!wanted()) consumer?.close();
        return consumer && !consumer.closed && this.#addVoice(new VoiceFeed(consumer, { slot, source: 'microphone' }));
      }),
    );
    const feeds = made.flatMap((result) => (result.status === 'fulfilled' && result.value) || []);
    const failure = made.find((result) => result.status === 'rejected');
    if (failure || !wanted()) for (const feed of feeds) feed.close();
    if (failure) throw failure.reason;
    if (!wanted()) return;
    this.#slots = feeds;
    this.#way = 'slots';
    this.#settleVoices();
  }

  #settleVoices(): void {
    const microphones = [...this.#voices.values()].filter(
      ({ origin }) => origin.source === 'microphone' && origin.slot === undefined,
    );
    const [wanted, other] = this.#way === 'slots' ? [this.#slots, microphones] : [microphones, this.#slots];
    if (!wanted.every(({ isReady, consumer }) => isReady || consumer.closed)) return;
    for (const feed of other) if (!this.#replacesSlots(feed)) feed.close();
    if (this.#way === 'each') this.#slots = [];
  }

  /** Whether a microphone was offered because the slots that it has have ended, although nobody has told it to leave them yet. */
  #replacesSlots(feed: VoiceFeed): boolean {
    const producer = this.#producers.get(feed);
    return producer !== undefined && this.#taking !== undefined && this.#heard.get(producer) === this.#taking.turn;
  }

  #addVoice(feed: VoiceFeed): VoiceFeed {
    const { consumer } = feed;
    this.#voices.set(consumer.id, feed);
    consumer.observer.once('close', () => {
      this.#voices.delete(consumer.id);
      this.#options.onClosed(consumer.id);
    });
    this.#options.onOpened(feed.info);
    return feed;
  }

  /** A paused consumer; undefined where there is none to be had, which the client is told if that is why. */
  async #consume(publication: Publication, spatialLayer?: number) {
    const { transport, fabric, hub } = this.#options;
    const lease = await fabric.reach(publication.producer, publication.hub, hub);
    try {
      const consumer = await this.#device.consume(transport, lease.producer, spatialLayer);
      // This peer, or the producer, which takes the consumer with it, may have closed while the worker answered.
      if (consumer && this.#closed) consumer.close();
      if (consumer && !consumer.closed && !publication.producer.closed) return { consumer, lease };
      if (!consumer) this.#refuse(publication);
    } catch (error) {
      lease[Symbol.dispose]();
      throw error;
    }
    lease[Symbol.dispose]();
    return undefined;
  }

  #refuse({ peerId, source, producer }: Publication): void {
    const { mimeType = '' } = producer.rtpParameters.codecs[0] ?? {};
    const what = { peerId, source, mimeType };
    this.#undecodable.set(producer, what);
    producer.observer.once('close', () => this.#undecodable.delete(producer));
    this.#options.onUndecodable(what);
  }
}

function keyOf({ peerId, source }: { peerId: string; source: string }): string {
  return `${peerId}:${source}`;
}
