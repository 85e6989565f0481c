/** Decides for participants of a room which tracks of others they receive. */
import { WeirError } from '../../shared/errors.ts';
import type { AudioForwarding } from './AudioForwarding.ts';
import type { Participant } from './Participant.ts';
import type { Publication } from './Publication.ts';
import type { Subscribers } from './Subscribers.ts';

export interface SubscriptionControlOptions {
  readonly subscribers: Subscribers;
  readonly audio: Pick<AudioForwarding, 'sendsBySlots'>;
  /** Whether two participants exchange media directly. */
  isDirect(id: string, otherId: string): boolean;
}

export class SubscriptionControl {
  readonly #options: SubscriptionControlOptions;

  constructor(options: SubscriptionControlOptions) {
    this.#options = options;
  }

  /**
   * Whether it can be decided for a participant that it receives a track of another one.
   * @throws {WeirError} `unsupported` if it receives nothing, or nothing less than everything; `conflict` for a microphone that
   *   everybody hears by audio slots, and for media that goes directly between the two
   */
  assertPossible(participant: Participant, publication: Publication): void {
    const { subscribers, audio, isDirect } = this.#options;
    const subscriber = subscribers.subscriberOf(participant.id);
    const isOwn = publication.track.peerId === participant.id;
    if (!subscriber?.setSubscribed || isOwn || !publication.track.location) {
      throw new WeirError('unsupported', 'Subscriptions of this participant to this track cannot be changed.');
    }
    if (isDirect(participant.id, publication.track.peerId)) {
      throw new WeirError('conflict', 'Media goes directly between these two, and not through the server.');
    }
    if (audio.sendsBySlots(publication)) {
      throw new WeirError('conflict', 'Microphones share audio slots in a room of this size, which have no tracks.');
    }
  }

  /**
   * Decides whether a participant receives a track of another one, as far as it may receive it at all. It does until this says
   * otherwise; that lasts until either of them ends.
   * @returns when it is so; never rejects for a track of `assertPossible`
   */
  async set(participant: Participant, publication: Publication, subscribed: boolean): Promise<void> {
    const { subscribers } = this.#options;
    const subscriber = subscribers.subscriberOf(participant.id);
    if (!subscriber?.setSubscribed) return;
    const isSent = subscribed && subscribers.isEligible(subscriber);
    const setting = subscriber.setSubscribed(publication, subscribed, isSent);
    await subscribers.logFailure(subscriber, publication.track.source, setting);
  }
}
