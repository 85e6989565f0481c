/** The role of whoever receives media from a room. */
import type { AudioSlots } from '../media/audio/AudioSlots.ts';
import type { Publication } from './Publication.ts';

/**
 * Implemented by a browser's peer for itself. A recorder is a subscriber that is no participant: nobody sees or counts
 * it. A link to another server node is one subscriber for all participants there.
 */
export interface Subscriber {
  /**
   * Receives a publication, if it has a use for it; called again for the same one, it changes nothing.
   * May reject: the room logs that and continues with the others.
   */
  subscribe(publication: Publication): Promise<void>;
  /**
   * Ends all subscriptions, those to audio slots included. Later calls of `subscribe` and `subscribeSlots` count again.
   */
  unsubscribeAll(): void;
  /**
   * Receives speech by audio slots, in place of microphones, until `unsubscribeSlots`. May reject, as `subscribe` may.
   * The slot that its own participant holds may not reach it: `AudioSlots.isAudible` and `onSlot` tell which that is.
   */
  subscribeSlots(slots: AudioSlots): Promise<void>;
  /** Receives microphones again, to which it has been subscribed. Resolves when it receives no slot any more. */
  unsubscribeSlots(): Promise<void>;
  /**
   * Whether it receives this publication when it is subscribed to it; it does until it is told otherwise. Missing for one that
   * cannot do without any. May reject, as `subscribe` may.
   * @param now whether it is to be subscribed at once
   */
  setSubscribed?(publication: Publication, subscribed: boolean, now: boolean): Promise<void>;
  /** A peer that the others knew of is gone: drops what is kept about it. Its tracks end by themselves. */
  removePeer(peerId: string): void;
}
