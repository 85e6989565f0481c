/**
 * Decides which subscriber is subscribed to which track, and when: microphones by `AudioForwarding`, all others here.
 */
import type { AudioForwarding } from './AudioForwarding.ts';
import type { Broadcast } from './Broadcast.ts';
import { forEachConcurrent } from './forEachConcurrent.ts';
import type { Publication } from './Publication.ts';
import type { RoomEventMap, RoomEventSource } from './RoomEvents.ts';
import type { Subscriber } from './Subscriber.ts';
import type { Subscribers } from './Subscribers.ts';

export interface TrackForwardingOptions {
  readonly events: RoomEventSource;
  readonly subscribers: Subscribers;
  readonly audio: AudioForwarding;
  /** The broadcast that the room is; undefined for a call. */
  readonly broadcast: Pick<Broadcast, 'live'> | undefined;
}

export class TrackForwarding {
  readonly #options: TrackForwardingOptions;
  /** All but those that `AudioForwarding` handles. */
  readonly #publications = new Set<Publication>();

  constructor(options: TrackForwardingOptions) {
    this.#options = options;
    options.events.on({
      published: ({ publication }) => this.#onPublished(publication),
      unpublished: ({ publication }) => this.#publications.delete(publication),
      grantsChanged: (change) => this.#onGrantsChanged(change),
      liveChanged: ({ live }) => this.#onLiveChanged(live),
    });
  }

  /** Everything that is published now. */
  get publications(): Publication[] {
    return [...this.#publications, ...this.#options.audio.microphones];
  }

  /**
   * Subscribes to everything that is published. Resolves when the subscriber has it, or cannot have it; never rejects.
   */
  async subscribeToAll(subscriber: Subscriber): Promise<void> {
    const { subscribers, audio } = this.#options;
    if (!subscribers.isEligible(subscriber)) return;
    const tracks = [...this.#publications].map((publication) => subscribers.subscribe(subscriber, publication));
    await Promise.all([...tracks, audio.subscribeToAll(subscriber)]);
  }

  #onPublished(publication: Publication): void {
    const { subscribers, audio } = this.#options;
    if (audio.handles(publication)) return;
    this.#publications.add(publication);
    void subscribers.subscribeAll(publication);
  }

  /** Before and after a broadcast, whoever comes onto its stage is sent what is on it, and whoever leaves it is not. */
  #onGrantsChanged({ participant, before }: RoomEventMap['grantsChanged']): void {
    const { subscribers, broadcast } = this.#options;
    const subscriber = subscribers.subscriberOf(participant.id);
    const { hidden } = participant.grants;
    if (!subscriber || !broadcast || broadcast.live || hidden === before.hidden) return;
    if (hidden) subscriber.unsubscribeAll();
    else void this.subscribeToAll(subscriber);
  }

  #onLiveChanged(live: boolean): void {
    const { viewers } = this.#options.subscribers;
    if (live) void forEachConcurrent(viewers, (subscriber) => this.subscribeToAll(subscriber));
    else for (const subscriber of viewers) subscriber.unsubscribeAll();
  }
}
