/**
 * How microphones are forwarded in a room: each as a track while they are few, by a fixed number of audio slots when
 * many.
 */
import type { Logger } from 'pino';
import type { AudioSlotHolders } from '../../shared/protocol.ts';
import { AudioSlots } from '../media/audio/AudioSlots.ts';
import type { RoomRouters } from '../media/RoomRouters.ts';
import { isClosed } from '../media/rethrowUnavailable.ts';
import type { Publication } from './Publication.ts';
import { Retries } from './Retries.ts';
import type { RoomEvents } from './RoomEvents.ts';
import type { Subscriber } from './Subscriber.ts';
import type { Subscribers } from './Subscribers.ts';

export interface AudioForwardingOptions {
  /** How many others are heard at once with slots. */
  readonly maxAudibleSpeakers: number;
  /** How long there have to be few microphones before the slots end, in milliseconds; 10 s by default. */
  readonly hysteresis?: number | undefined;
  readonly routers: Pick<RoomRouters, 'acquire'>;
  readonly events: RoomEvents;
  readonly subscribers: Subscribers;
  readonly log: Logger;
}

/** The least time between two notifications of who holds which slot, in milliseconds. */
const NOTIFY_INTERVAL = 250;
/**
 * How long there have to be few microphones before the slots end, in milliseconds, and how many fewer than begin them.
 */
const HYSTERESIS = { time: 10_000, fewer: 1 };
/** How long slots that have ended are kept for clients that do not have every microphone yet, in milliseconds. */
const LINGER = 10_000;

export class AudioForwarding {
  readonly #options: AudioForwardingOptions;
  readonly #microphones = new Set<Publication>();
  /** The slots by which microphones are forwarded; undefined while they are forwarded as tracks. */
  #current: AudioSlots | undefined;
  /** Slots that have ended, and are still heard by clients that do not have every microphone yet. */
  #former: AudioSlots | undefined;
  #lingerTimer: NodeJS.Timeout | undefined;
  #hysteresisTimer: NodeJS.Timeout | undefined;
  #notifyTimer: NodeJS.Timeout | undefined;
  #hasChanged = false;
  readonly #retries = new Retries();
  #closed = false;

  constructor(options: AudioForwardingOptions) {
    this.#options = options;
    options.events.on({
      published: ({ publication }) => this.#onPublished(publication),
      unpublished: ({ publication }) => this.#onUnpublished(publication),
    });
  }

  /** The peer that holds each slot; empty without slots. Hidden peers do not publish, so everyone may know. */
  get slots(): AudioSlotHolders {
    return this.#current?.holders.map((id) => id ?? null) ?? [];
  }

  /** The microphones that it forwards. */
  get microphones(): ReadonlySet<Publication> {
    return this.#microphones;
  }

  /** Whether it forwards a publication, as track or by slots: it does microphones whose media the server has. */
  handles({ track }: Publication): boolean {
    return track.source === 'microphone' && track.location !== undefined;
  }

  /** Whether a publication is heard by slots now, and by nobody as a track. */
  sendsBySlots(publication: Publication): boolean {
    return this.#current !== undefined && this.handles(publication);
  }

  /**
   * Subscribes to all microphones, or to the slots. Resolves when the subscriber has them, or cannot; never rejects.
   */
  async subscribeToAll(subscriber: Subscriber): Promise<void> {
    const { subscribers } = this.#options;
    if (this.#current) await subscribers.logFailure(subscriber, 'slots', this.#subscribeSlots(subscriber));
    else await Promise.all([...this.#microphones].map((microphone) => subscribers.subscribe(subscriber, microphone)));
  }

  /**
   * @param failures how often that has failed before
   * @throws what keeps the worker from opening the consumers; it is tried again while the slots are wanted
   */
  async #subscribeSlots(subscriber: Subscriber, failures = 0): Promise<void> {
    const slots = this.#current;
    if (!slots) return;
    await subscriber.subscribeSlots(slots).catch((error: unknown) => {
      const wanted = () => this.#current === slots && this.#options.subscribers.isEligible(subscriber);
      if (!isClosed(error)) {
        this.#retries.later(failures, () => {
          if (wanted()) this.#subscribeSlots(subscriber, failures + 1).catch(() => {});
        });
      }
      throw error;
    });
    // The slots may have ended meanwhile. They are heard until the client has the microphones: this is not to be waited
    // for, as a client that is joining gets those only with the reply.
    if (!this.#current) void subscriber.unsubscribeSlots();
  }

  close(): void {
    this.#closed = true;
    this.#retries.close();
    clearTimeout(this.#notifyTimer);
    clearTimeout(this.#hysteresisTimer);
    this.#closeFormer();
    this.#current?.close();
    this.#current = undefined;
  }

  /** One microphone too many begins the slots. */
  #onPublished(publication: Publication): void {
    if (!this.handles(publication)) return;
    this.#microphones.add(publication);
    if (this.#current) this.#detectSpeech(this.#current, publication);
    this.#update();
    void this.#subscribeAll(publication);
  }

  #onUnpublished(publication: Publication): void {
    if (this.#microphones.delete(publication)) this.#update();
  }

  /** Subscribes everyone to a microphone as a track, for as long as there are no slots. */
  async #subscribeAll(publication: Publication): Promise<void> {
    await this.#options.subscribers.subscribeAll(publication, () => this.#current === undefined);
  }

  #update(): void {
    if (this.#closed) return;
    const { maxAudibleSpeakers, hysteresis = HYSTERESIS.time } = this.#options;
    const many = this.#microphones.size > maxAudibleSpeakers + 1;
    const few = this.#microphones.size <= maxAudibleSpeakers + 1 - HYSTERESIS.fewer;
    if (!this.#current && many) this.#begin();
    if (this.#current && few) this.#hysteresisTimer ??= setTimeout(() => this.#end(), hysteresis);
    else {
      clearTimeout(this.#hysteresisTimer);
      this.#hysteresisTimer = undefined;
    }
  }

  #begin(): void {
    // Nobody may hear the same talker in former slots and in new ones.
    this.#closeFormer();
    const { maxAudibleSpeakers, subscribers, log } = this.#options;
    const slots = new AudioSlots({
      maxAudibleSpeakers,
      onChange: () => {
        if (this.#current === slots) this.#notify();
      },
    });
    this.#current = slots;
    log.debug({ microphones: this.#microphones.size }, 'audio slots enabled');
    for (const publication of this.#microphones) this.#detectSpeech(slots, publication);
    for (const subscriber of subscribers.eligible) {
      void subscribers.logFailure(subscriber, 'slots', this.#subscribeSlots(subscriber));
    }
    this.#notify();
  }

  #end(): void {
    const former = this.#current;
    if (!former) return;
    this.#current = undefined;
    this.#hysteresisTimer = undefined;
    this.#former = former;
    this.#lingerTimer = setTimeout(() => this.#closeFormer(), LINGER);
    void this.#replace(former);
    this.#notify();
  }

  /** Subscribes everyone to the microphones as tracks; the slots close when nobody hears them any more. */
  async #replace(former: AudioSlots): Promise<void> {
    await Promise.all([...this.#microphones].map((publication) => this.#subscribeAll(publication)));
    if (this.#former !== former) return;
    await Promise.all(this.#options.subscribers.eligible.map((subscriber) => subscriber.unsubscribeSlots()));
    if (this.#former === former) this.#closeFormer();
  }

  #closeFormer(): void {
    clearTimeout(this.#lingerTimer);
    this.#former?.close();
    this.#former = undefined;
  }

  #detectSpeech(slots: AudioSlots, publication: Publication, failures = 0): void {
    this.#addMicrophone(slots, publication).catch((error: unknown) => {
      const wanted = () => !publication.closed && this.#current === slots;
      this.#retries.later(failures, () => wanted() && this.#detectSpeech(slots, publication, failures + 1));
      const level = publication.closed || isClosed(error) ? 'debug' : 'warn';
      this.#options.log[level]({ err: error, peer: publication.track.peerId }, 'speech detection failed');
    });
  }

  async #addMicrophone(slots: AudioSlots, { track }: Publication): Promise<void> {
    await slots.add(track.peerId, await this.#options.routers.acquire(track));
  }

  /** Notifies at once, and then at most once per interval. */
  #notify(): void {
    this.#hasChanged = true;
    if (this.#notifyTimer) return;
    this.#hasChanged = false;
    this.#options.events.emit('slotsChanged', { slots: this.slots });
    this.#notifyTimer = setTimeout(() => {
      this.#notifyTimer = undefined;
      if (this.#hasChanged) this.#notify();
    }, NOTIFY_INTERVAL);
  }
}
