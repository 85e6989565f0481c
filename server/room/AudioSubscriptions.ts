/** The audio that one peer receives: tracks by themselves, or the microphones of a large room by audio slots. */
import type { Source } from '../../shared/media.ts';
import type { ConsumerInfo } from '../../shared/protocol.ts';
import type { SlotSource } from '../media/audio/SlotSource.ts';
import { isClosed } from '../media/rethrowUnavailable.ts';
import { trackKey } from '../media/Track.ts';
import { AudioSlotsSubscription } from './AudioSlotsSubscription.ts';
import { AudioSubscription } from './AudioSubscription.ts';
import type { ConsumerOpener, SubscriptionEvents } from './ConsumerOpener.ts';
import type { Publication } from './Publication.ts';
import { Retries } from './Retries.ts';

export interface AudioSubscriptionsOptions {
  /** Whom the audio is for: the slot that it holds is not sent to it. */
  readonly peerId: string;
  readonly opener: Pick<ConsumerOpener, 'open' | 'openSlot' | 'slotProducers'>;
  readonly events: Pick<SubscriptionEvents, 'consumerOpened' | 'consumerClosed'>;
}

/** That the peer has subscribed to a track, from the request until its consumer closes. */
interface TrackRequest {
  /** The audio slots that were requested when the track was offered last. */
  offeredDuring: AudioSlotsSubscription | undefined;
}

export class AudioSubscriptions {
  readonly #options: AudioSubscriptionsOptions;
  /** By consumer id: tracks and slots. */
  readonly #subscriptions = new Map<string, AudioSubscription>();
  readonly #tracks = new Map<Publication, TrackRequest>();
  readonly #trackOf = new WeakMap<AudioSubscription, TrackRequest>();
  readonly #retries = new Retries();
  /** The tracks that arrive directly, as `trackKey` names them. */
  #direct: ReadonlySet<string> = new Set();
  /** The audio slots that were requested last, until they are unsubscribed from; open, or still opening. */
  #requested: AudioSlotsSubscription | undefined;
  /** The audio slots that are heard: those requested, or others until the client has what replaces them. */
  #heard: AudioSlotsSubscription | undefined;
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
      known.offeredDuring = this.#requested;
      return;
    }
    const request: TrackRequest = { offeredDuring: this.#requested };
    this.#tracks.set(publication, request);
    const wanted = () => this.#tracks.get(publication) === request;
    const remove = () => {
      if (wanted()) this.#tracks.delete(publication);
    };
    const opened = await this.#options.opener.open(publication).catch((error: unknown) => {
      if (wanted() && !isClosed(error)) this.#retrySubscribe(publication, request, failures);
      remove();
      throw error;
    });
    if (!opened) {
      remove();
      return;
    }
    const { consumer, lease } = opened;
    if (!wanted() || consumer.closed) {
      remove();
      consumer.close();
      lease[Symbol.dispose]();
      return;
    }
    consumer.observer.once('close', remove);
    const { peerId, source } = publication.track;
    const subscription = new AudioSubscription(consumer, { peerId, source }, lease);
    this.#trackOf.set(subscription, request);
    subscription.setAudible(!this.#arrivesDirectly(subscription));
    this.#add(subscription);
  }

  /** Ends the subscription to a track, until it is subscribed to again; one that is being opened is not added. */
  unsubscribe(publication: Publication): void {
    const request = this.#tracks.get(publication);
    this.#tracks.delete(publication);
    for (const subscription of this.#subscriptions.values()) {
      if (request && this.#trackOf.get(subscription) === request) subscription.close();
    }
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

  /** These tracks arrive directly, as `trackKey` names them: they are not sent. All others are. */
  setDirectTracks(tracks: ReadonlySet<string>): void {
    this.#direct = tracks;
    for (const subscription of this.#subscriptions.values()) {
      if (this.#trackOf.has(subscription)) subscription.setAudible(!this.#arrivesDirectly(subscription));
    }
  }

  /**
   * Receives the room's microphones by slots. Tracks of microphones are heard until the client has the slots.
   * @returns when the consumers are open, or others have been requested
   * @throws what keeps the worker from opening them; the same slots can be requested again then
   */
  async subscribeSlots(slots: SlotSource): Promise<void> {
    const known = this.#requested;
    if (known?.slots === slots) return known.opened;
    if (known !== this.#heard) known?.close();
    const { peerId, opener } = this.#options;
    const requested = new AudioSlotsSubscription({ slots, peerId, opener, onOpened: (opened) => this.#add(opened) });
    this.#requested = requested;
    try {
      await requested.opened;
    } catch (error) {
      if (this.#requested === requested) this.#requested = undefined;
      throw error;
    }
    if (this.#requested !== requested) return;
    this.#heard?.close();
    this.#heard = requested;
    this.#mode = 'slots';
    this.#closeReplaced();
  }

  /**
   * Receives microphones as tracks again, which have been offered; slots are heard until the client has those.
   * @returns when no slot is heard any more
   */
  async unsubscribeSlots(): Promise<void> {
    const heard = this.#heard;
    if (this.#requested !== heard) this.#requested?.close();
    this.#requested = undefined;
    this.#mode = 'tracks';
    this.#closeReplaced();
    await heard?.consumersClosed();
  }

  /** Ends all subscriptions; what is offered afterwards is subscribed to again. */
  unsubscribeAll(): void {
    this.#retries.clear();
    this.#closeSlots();
    for (const subscription of this.#subscriptions.values()) subscription.close();
    this.#tracks.clear();
    this.#mode = 'tracks';
  }

  /** The transport has closed, and the consumers with it. */
  close(): void {
    this.#closed = true;
    this.#retries.close();
    this.#tracks.clear();
    this.#closeSlots();
  }

  #arrivesDirectly({ origin: { peerId, source } }: AudioSubscription): boolean {
    return peerId !== undefined && this.#direct.has(trackKey({ peerId, source }));
  }

  #closeSlots(): void {
    this.#requested?.close();
    this.#requested = undefined;
    this.#heard?.close();
    this.#heard = undefined;
  }

  #retrySubscribe(publication: Publication, request: TrackRequest, failures: number): void {
    const arrivesBySlots = () => this.#usesSlotsFor(publication.track.source) && !this.#replacesSlots(request);
    const wanted = () => !this.#closed && !publication.closed && !arrivesBySlots();
    this.#retries.later(failures, () => {
      if (wanted()) this.subscribe(publication, failures + 1).catch(() => {});
    });
  }

  /** Whether tracks of that source arrive by slots, or are about to. */
  #usesSlotsFor(source: Source): boolean {
    return source === 'microphone' && this.#requested !== undefined;
  }

  /** Closes the consumers that others replace, once the client has all of those. */
  #closeReplaced(): void {
    const microphones = [...this.#subscriptions.values()].filter(
      ({ origin }) => origin.source === 'microphone' && origin.slot === undefined,
    );
    if (this.#mode === 'slots') {
      // While others are requested than those that are heard, the latter may have ended.
      if (this.#heard !== this.#requested || !this.#heard?.isReady) return;
      for (const microphone of microphones) {
        if (!this.#replacesSlots(this.#trackOf.get(microphone))) microphone.close();
      }
    } else if (microphones.every(({ isReady }) => isReady)) {
      this.#heard?.close();
      this.#heard = undefined;
    }
  }

  /**
   * Whether a microphone was offered because these slots have ended, although the request to unsubscribe is still to
   * come.
   */
  #replacesSlots(request: TrackRequest | undefined): boolean {
    return this.#requested !== undefined && request?.offeredDuring === this.#requested;
  }

  #add(subscription: AudioSubscription): void {
    const { consumer } = subscription;
    this.#subscriptions.set(consumer.id, subscription);
    consumer.observer.once('close', () => {
      this.#subscriptions.delete(consumer.id);
      this.#options.events.consumerClosed(consumer.id);
    });
    this.#options.events.consumerOpened(subscription.info);
  }
}
