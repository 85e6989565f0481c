/** The audio that one peer receives: tracks by themselves, or the microphones of a large room by audio slots. */
import type { Source } from '../../shared/media.ts';
import type { ConsumerInfo } from '../../shared/protocol.ts';
import type { AudioSlots } from '../media/audio/AudioSlots.ts';
import { isClosed } from '../media/rethrowUnavailable.ts';
import { AudioSubscription } from './AudioSubscription.ts';
import type { ConsumerOpener, SubscriptionEvents } from './ConsumerOpener.ts';
import type { Publication } from './Publication.ts';
import { Retries } from './Retries.ts';

export interface AudioSubscriptionsOptions {
  readonly opener: Pick<ConsumerOpener, 'open' | 'openLocal' | 'router'>;
  readonly events: Pick<SubscriptionEvents, 'consumerOpened' | 'consumerClosed'>;
}

/** That the peer has subscribed to the audio slots: from the request until another one, or until it unsubscribes. */
interface SlotsRequest {
  readonly slots: AudioSlots;
  opened: Promise<void>;
}

/** That the peer has subscribed to a track, from the request until its consumer closes. */
interface TrackRequest {
  /** The request for audio slots that there was when the track was offered last. */
  offeredDuring: SlotsRequest | undefined;
}

export class AudioSubscriptions {
  readonly #options: AudioSubscriptionsOptions;
  /** By consumer id: tracks and slots. */
  readonly #subscriptions = new Map<string, AudioSubscription>();
  readonly #tracks = new Map<Publication, TrackRequest>();
  readonly #trackOf = new WeakMap<AudioSubscription, TrackRequest>();
  readonly #retries = new Retries();
  #slotsRequest: SlotsRequest | undefined;
  /** The slots that it has consumers of, by slot. */
  #slots: readonly AudioSubscription[] = [];
  /** How microphones are to arrive: when the client has all consumers of this kind, those of the other close. */
  #mode: 'tracks' | 'slots' = 'tracks';
  #closed = false;

  constructor(options: AudioSubscriptionsOptions) {
    this.#options = options;
  }

  get consumers(): ConsumerInfo[] {
    return [...this.#subscriptions.values()].map(({ info }) => info);
  }

  /**
   * Subscribes to a track; repeating does nothing.
   * @param failures how often opening a consumer has failed before
   * @returns when there is a consumer, or is none to be had
   * @throws what keeps the worker from opening a consumer; it is tried again while the track is wanted
   */
  async subscribe(publication: Publication, failures = 0): Promise<void> {
    const known = this.#tracks.get(publication);
    if (known) {
      known.offeredDuring = this.#slotsRequest;
      return;
    }
    const request: TrackRequest = { offeredDuring: this.#slotsRequest };
    this.#tracks.set(publication, request);
    const wanted = () => this.#tracks.get(publication) === request;
    const remove = () => {
      if (wanted()) this.#tracks.delete(publication);
    };
    const opened = await this.#options.opener.open(publication).catch((error: unknown) => {
      if (wanted() && !isClosed(error)) this.#retrySubscribe(publication, failures);
      remove();
      throw error;
    });
    if (!opened) {
      remove();
      return;
    }
    const { consumer, lease } = opened;
    if (!wanted()) {
      consumer.close();
      lease[Symbol.dispose]();
      return;
    }
    consumer.observer.once('close', remove);
    const { peerId, source } = publication.track;
    const subscription = new AudioSubscription(consumer, { peerId, source }, lease);
    this.#trackOf.set(subscription, request);
    this.#add(subscription);
  }

  /**
   * The client has created its ends of these consumers.
   * @returns how many of them are consumers of audio
   */
  async ready(consumerIds: ReadonlySet<string>): Promise<number> {
    const subscriptions = [...consumerIds].flatMap((id) => this.#subscriptions.get(id) ?? []);
    await Promise.allSettled(subscriptions.map((subscription) => subscription.ready()));
    this.#closeReplaced();
    return subscriptions.length;
  }

  /**
   * Receives the room's microphones by slots. Tracks of microphones are heard until the client has the slots.
   * @returns when the consumers are open
   * @throws what keeps the worker from opening them
   */
  subscribeSlots(slots: AudioSlots): Promise<void> {
    if (this.#slotsRequest?.slots === slots) return this.#slotsRequest.opened;
    const request: SlotsRequest = { slots, opened: Promise.resolve() };
    this.#slotsRequest = request;
    request.opened = this.#openSlots(request).catch((error: unknown) => {
      // They can be subscribed to again.
      if (this.#slotsRequest === request) this.#slotsRequest = undefined;
      throw error;
    });
    return request.opened;
  }

  /**
   * Receives microphones as tracks again, which have been offered; slots are heard until the client has those.
   * @returns when no slot is heard any more
   */
  async unsubscribeSlots(): Promise<void> {
    this.#slotsRequest = undefined;
    this.#mode = 'tracks';
    const slots = this.#slots;
    this.#closeReplaced();
    await Promise.all(slots.map(({ closed }) => closed));
  }

  /**
   * Resumes the slots that are for this peer: all but the last, which is for those who hold another one, in place of
   * their own.
   * @param own the slot that carries this peer's own voice
   */
  setOwnSlot(own: number | undefined): void {
    const last = this.#slots.length - 1;
    for (const subscription of this.#slots) {
      const { slot } = subscription.origin;
      subscription.setAudible(slot === last ? own !== undefined && own !== last : slot !== own);
    }
  }

  /** Ends all subscriptions; what is offered afterwards is subscribed to again. */
  unsubscribeAll(): void {
    this.#retries.clear();
    for (const subscription of this.#subscriptions.values()) subscription.close();
    this.#tracks.clear();
    this.#slots = [];
    this.#slotsRequest = undefined;
    this.#mode = 'tracks';
  }

  /** The transport has closed, and the consumers with it. */
  close(): void {
    this.#closed = true;
    this.#retries.close();
  }

  #retrySubscribe(publication: Publication, failures: number): void {
    const wanted = () => !this.#closed && !publication.closed && !this.#usesSlotsFor(publication.track.source);
    this.#retries.later(failures, () => {
      if (wanted()) this.subscribe(publication, failures + 1).catch(() => {});
    });
  }

  /** Whether tracks of that source arrive by slots, or are about to. */
  #usesSlotsFor(source: Source): boolean {
    return source === 'microphone' && this.#slotsRequest !== undefined;
  }

  async #openSlots(request: SlotsRequest): Promise<void> {
    const { opener } = this.#options;
    const wanted = () => this.#slotsRequest === request;
    const producers = await request.slots.producersOn(opener.router.router);
    if (!wanted()) return;
    const opening = await Promise.allSettled(
      producers.map(async (producer, slot) => {
        const consumer = await opener.openLocal(producer);
        if (!wanted()) consumer?.close();
        if (!consumer || consumer.closed) return undefined;
        return this.#add(new AudioSubscription(consumer, { slot, source: 'microphone' }));
      }),
    );
    const opened = opening.flatMap((result) => (result.status === 'fulfilled' && result.value) || []);
    const failure = opening.find((result) => result.status === 'rejected');
    if (failure || !wanted()) for (const subscription of opened) subscription.close();
    if (failure) throw failure.reason;
    if (!wanted()) return;
    this.#slots = opened;
    this.#mode = 'slots';
    this.#closeReplaced();
  }

  /** Closes the consumers that others replace, once the client has all of those. */
  #closeReplaced(): void {
    const microphones = [...this.#subscriptions.values()].filter(
      ({ origin }) => origin.source === 'microphone' && origin.slot === undefined,
    );
    const [wanted, others] = this.#mode === 'slots' ? [this.#slots, microphones] : [microphones, this.#slots];
    if (!wanted.every(({ isReady, consumer }) => isReady || consumer.closed)) return;
    for (const subscription of others) if (!this.#replacesSlots(subscription)) subscription.close();
    if (this.#mode === 'tracks') this.#slots = [];
  }

  /** Whether a microphone was offered because these slots have ended, although the request to unsubscribe is still to come. */
  #replacesSlots(subscription: AudioSubscription): boolean {
    const request = this.#trackOf.get(subscription);
    return this.#slotsRequest !== undefined && request?.offeredDuring === this.#slotsRequest;
  }

  #add(subscription: AudioSubscription): AudioSubscription {
    const { consumer } = subscription;
    this.#subscriptions.set(consumer.id, subscription);
    consumer.observer.once('close', () => {
      this.#subscriptions.delete(consumer.id);
      this.#options.events.consumerClosed(consumer.id);
    });
    this.#options.events.consumerOpened(subscription.info);
    return subscription;
  }
}
