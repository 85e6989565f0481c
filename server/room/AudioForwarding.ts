/** Owns how voices travel in a room: a consumer for each while they are few, by a fixed number of slots when they are many. */
import type { Logger } from 'pino';
import type { AudioSlotHolders } from '../../shared/protocol.ts';
import { AudioSlots } from '../media/audio/AudioSlots.ts';
import type { RoomRouters } from '../media/RoomRouters.ts';
import { isClosed } from '../media/rethrowUnavailable.ts';
import type { Publication } from './Publication.ts';
import { Retries } from './Retries.ts';
import type { Subscriber } from './Subscriber.ts';
import type { Subscribers } from './Subscribers.ts';

export interface AudioForwardingOptions {
  /** How many others are heard at once where there are slots. */
  readonly maxAudibleSpeakers: number;
  /** How long there have to be fewer microphones before slots are given up, in milliseconds; 10 s where it is not given. */
  readonly hysteresis?: number | undefined;
  readonly routers: RoomRouters;
  readonly log: Logger;
  readonly subscribers: Subscribers;
  /** Offers a microphone to everyone but its owner. Resolves when they have it, or cannot. */
  subscribeAll(publication: Publication): Promise<void>;
  /** Tells everyone. */
  notify(slots: AudioSlotHolders): void;
}

/** The least time between two times that everyone is told who speaks, in milliseconds. */
const NOTIFY_INTERVAL = 250;
/** How long there have to be fewer microphones before slots are given up, in milliseconds, and how many fewer. */
const HYSTERESIS = { time: 10_000, fewer: 1 };
/** How long slots that were given up are kept for clients that do not have every microphone yet, in milliseconds. */
const LINGER = 10_000;

/** Slots from their beginning to their end, and who holds them. */
interface Generation {
  readonly slots: AudioSlots;
  holders: readonly (string | undefined)[];
}

export class AudioForwarding {
  readonly #options: AudioForwardingOptions;
  readonly #microphones = new Set<Publication>();
  /** The slots by which voices come now; undefined while everybody has each microphone by itself. */
  #current: Generation | undefined;
  #notifyTimer: NodeJS.Timeout | undefined;
  #hasChanged = false;
  #hysteresisTimer: NodeJS.Timeout | undefined;
  /**
   * Slots that are given up, and still heard by those whose client does not have every microphone yet. Nobody is told of them
   * any more: who is heard by itself is looked for there.
   */
  #former: Generation | undefined;
  #lingerTimer: NodeJS.Timeout | undefined;
  readonly #retries = new Retries();
  #closed = false;

  constructor(options: AudioForwardingOptions) {
    this.#options = options;
  }

  /** Whose voice each slot carries; empty while there are none. Who is hidden publishes nothing, so all may know. */
  get slots(): AudioSlotHolders {
    return this.#current?.holders.map((id) => id ?? null) ?? [];
  }

  /** Whether that comes to everyone by slots. */
  usesSlotsFor({ track }: Publication): boolean {
    return track.source === 'microphone' && this.#current !== undefined;
  }

  /** Takes notice of what is published: with one microphone too many, slots begin. */
  publish(publication: Publication): void {
    if (publication.track.source !== 'microphone') return;
    this.#microphones.add(publication);
    publication.onEnd(() => {
      this.#microphones.delete(publication);
      this.#update();
    });
    if (this.#current) this.#detectSpeech(this.#current.slots, publication);
    this.#update();
  }

  /**
   * Gives the slots to one who has come, where there are any.
   * @param failures how often they could not be given before
   * @throws what keeps them from being given; that is tried again as long as they are wanted
   */
  async subscribe(subscriber: Subscriber, failures = 0): Promise<void> {
    const taken = this.#current;
    if (!taken) return;
    const { subscribers } = this.#options;
    await subscriber.subscribeSlots(taken.slots).catch((error: unknown) => {
      const wanted = () => this.#current === taken && subscribers.has(subscriber);
      if (!isClosed(error)) {
        this.#retries.later(
          failures,
          () => void (wanted() && this.subscribe(subscriber, failures + 1).catch(() => {})),
        );
      }
      throw error;
    });
    // They may have ended while it took them, and others may have begun, which it has been given meanwhile.
    if (this.#current === taken || this.#former === taken) {
      const participant = subscribers.participantOf(subscriber);
      const own = participant ? taken.holders.indexOf(participant.id) : -1;
      subscriber.setOwnSlot(own < 0 ? undefined : own);
    }
    // It hears them until its client has the microphones, which a client that joins cannot have before its reply.
    if (!this.#current) void subscriber.unsubscribeSlots();
  }

  close(): void {
    this.#closed = true;
    this.#retries.close();
    clearTimeout(this.#notifyTimer);
    clearTimeout(this.#hysteresisTimer);
    this.#endFormer();
    this.#current?.slots.close();
    this.#current = undefined;
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
    // Nobody may hear a voice in old slots and in new ones.
    this.#endFormer();
    const { maxAudibleSpeakers, subscribers, log } = this.#options;
    const slots = new AudioSlots({ maxAudibleSpeakers, onChange: (holders) => this.#changed(current, holders) });
    const current: Generation = { slots, holders: slots.holders };
    this.#current = current;
    log.debug({ microphones: this.#microphones.size }, 'audio slots enabled');
    for (const publication of this.#microphones) this.#detectSpeech(slots, publication);
    for (const subscriber of subscribers.eligible) {
      void subscribers.logFailure(subscriber, 'slots', this.subscribe(subscriber));
    }
    this.#notify();
  }

  /** Everyone has each voice by itself again; then the slots go. */
  #end(): void {
    const former = this.#current;
    if (!former) return;
    this.#current = undefined;
    this.#hysteresisTimer = undefined;
    this.#former = former;
    this.#lingerTimer = setTimeout(() => this.#endFormer(), LINGER);
    void this.#replace(former);
    this.#notify();
  }

  /** Gives everyone each microphone by itself in place of these slots, which close when nobody hears them any more. */
  async #replace(former: Generation): Promise<void> {
    await Promise.all([...this.#microphones].map((publication) => this.#options.subscribeAll(publication)));
    if (this.#former !== former) return;
    await Promise.all(this.#options.subscribers.eligible.map((subscriber) => subscriber.unsubscribeSlots()));
    if (this.#former === former) this.#endFormer();
  }

  #endFormer(): void {
    clearTimeout(this.#lingerTimer);
    this.#former?.slots.close();
    this.#former = undefined;
  }

  #detectSpeech(slots: AudioSlots, publication: Publication, failures = 0): void {
    this.#addMicrophone(slots, publication).catch((error: unknown) => {
      const wanted = () => !publication.closed && this.#current?.slots === slots;
      this.#retries.later(failures, () => wanted() && this.#detectSpeech(slots, publication, failures + 1));
      const level = publication.closed || isClosed(error) ? 'debug' : 'warn';
      this.#options.log[level]({ err: error, peer: publication.track.peerId }, 'speech detection failed');
    });
  }

  async #addMicrophone(slots: AudioSlots, { track }: Publication): Promise<void> {
    await slots.add(track.peerId, await this.#options.routers.acquire(track));
  }

  /** Nobody is sent their own voice: whoever has another slot than before is seen to at once, whoever hears these slots. */
  #changed(generation: Generation, holders: readonly (string | undefined)[]): void {
    const before = generation.holders;
    generation.holders = [...holders];
    for (const id of new Set([...before, ...holders])) {
      const slot = id === undefined ? -1 : holders.indexOf(id);
      if (id === undefined || before.indexOf(id) === slot) continue;
      this.#options.subscribers.subscriberOf(id)?.setOwnSlot(slot < 0 ? undefined : slot);
    }
    if (generation === this.#current) this.#notify();
  }

  /** At once, and then no more often than anybody can follow. */
  #notify(): void {
    this.#hasChanged = true;
    if (this.#notifyTimer) return;
    this.#hasChanged = false;
    this.#options.notify(this.slots);
    this.#notifyTimer = setTimeout(() => {
      this.#notifyTimer = undefined;
      if (this.#hasChanged) this.#notify();
    }, NOTIFY_INTERVAL);
  }
}
