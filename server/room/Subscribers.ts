/** The subscribers of one room, and the one way in which the room subscribes them to publications. */
import type { Logger } from 'pino';
import { isClosed } from '../media/rethrowUnavailable.ts';
import type { Broadcast } from './Broadcast.ts';
import { forEachConcurrent } from './forEachConcurrent.ts';
import type { Participant } from './Participant.ts';
import type { Publication } from './Publication.ts';
import type { RoomEventSource } from './RoomEvents.ts';
import type { Subscriber } from './Subscriber.ts';

export interface SubscribersOptions {
  readonly events: RoomEventSource;
  /** The broadcast that the room is; undefined for a call. */
  readonly broadcast: Pick<Broadcast, 'live'> | undefined;
  readonly log: Logger;
}

export class Subscribers {
  readonly #options: SubscribersOptions;
  readonly #participants = new Map<Subscriber, Participant | undefined>();
  /** By participant id. */
  readonly #subscribers = new Map<string, Subscriber>();

  constructor(options: SubscribersOptions) {
    this.#options = options;
    options.events.on({
      left: ({ participant, reason }) => {
        if (!participant.grants.hidden && reason !== 'serverClosing') this.#removePeer(participant.id);
      },
      grantsChanged: ({ participant, before }) => {
        if (participant.grants.hidden && !before.hidden) this.#removePeer(participant.id);
      },
    });
  }

  /**
   * @param participant whose subscriber it is: it is not sent that participant's own tracks, nor its slot
   * @returns what removes the subscriber: it is subscribed to nothing further, and keeps what it is subscribed to
   */
  add(subscriber: Subscriber, participant?: Participant): () => void {
    this.#participants.set(subscriber, participant);
    if (participant) this.#subscribers.set(participant.id, subscriber);
    return () => {
      this.#participants.delete(subscriber);
      if (participant) this.#subscribers.delete(participant.id);
    };
  }

  /** Removes all of them. */
  clear(): void {
    this.#participants.clear();
    this.#subscribers.clear();
  }

  has(subscriber: Subscriber): boolean {
    return this.#participants.has(subscriber);
  }

  /** The participant that a subscriber receives for; undefined for a recorder or a node. */
  participantOf(subscriber: Subscriber): Participant | undefined {
    return this.#participants.get(subscriber);
  }

  /** What a participant receives by; undefined for one that only publishes. */
  subscriberOf(participantId: string): Subscriber | undefined {
    return this.#subscribers.get(participantId);
  }

  /** All, also those that may not be sent anything now. */
  get all(): Subscriber[] {
    return [...this.#participants.keys()];
  }

  /** How many of them are no participants, such as recorders. */
  get others(): number {
    return this.all.filter((subscriber) => this.participantOf(subscriber) === undefined).length;
  }

  /** Those that may be sent what is published now. */
  get eligible(): Subscriber[] {
    return this.all.filter((subscriber) => this.isEligible(subscriber));
  }

  /** Those that receive a broadcast only while it is live: hidden participants, and whoever is no participant. */
  get viewers(): Subscriber[] {
    return this.all.filter((subscriber) => this.#isViewer(subscriber));
  }

  /** Before a broadcast is live, and after it, its stage is sent to those on the stage alone. */
  isEligible(subscriber: Subscriber): boolean {
    const { broadcast } = this.#options;
    return this.has(subscriber) && (!broadcast || broadcast.live || !this.#isViewer(subscriber));
  }

  /**
   * Resolves when the subscriber has the publication, or cannot or may not have it; never rejects. Nobody can have one
   * whose media does not pass through a server.
   */
  async subscribe(subscriber: Subscriber, publication: Publication): Promise<void> {
    const { peerId, location } = publication.track;
    if (!location || !this.isEligible(subscriber) || this.participantOf(subscriber)?.id === peerId) return;
    await this.logFailure(subscriber, publication.track.source, subscriber.subscribe(publication));
  }

  /**
   * Subscribes everyone who may have it, some at a time; never rejects.
   * @param wanted asked before each: whether the publication is still to be sent by itself
   */
  async subscribeAll(publication: Publication, wanted: () => boolean = () => true): Promise<void> {
    await forEachConcurrent(this.eligible, async (subscriber) => {
      if (wanted()) await this.subscribe(subscriber, publication);
    });
  }

  /**
   * A subscriber that fails harms itself alone. Of one that has just left, or of a track that has, it is no warning.
   */
  async logFailure(subscriber: Subscriber, what: string, subscribing: Promise<void>): Promise<void> {
    const participant = this.participantOf(subscriber);
    try {
      await subscribing;
    } catch (error) {
      const level = isClosed(error) || !this.has(subscriber) ? 'debug' : 'warn';
      const who = participant && { peer: participant.id, identity: participant.identity };
      this.#options.log[level]({ err: error, ...who, what }, 'subscribe failed');
    }
  }

  #removePeer(peerId: string): void {
    for (const subscriber of this.#participants.keys()) subscriber.removePeer(peerId);
  }

  #isViewer(subscriber: Subscriber): boolean {
    const participant = this.participantOf(subscriber);
    return participant === undefined || participant.grants.hidden;
  }
}
