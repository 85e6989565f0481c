/** What a subscriber uses of a set of audio slots. */
import type { ConsumableProducer } from '../ConsumerFactory.ts';
import type { SlotRouter } from './slotMedia.ts';

export interface SlotSource {
  /** The producers of the slots on that router, by slot. */
  producersOn(router: SlotRouter): Promise<readonly ConsumableProducer[]>;
  /** Whether somebody is to hear a slot: nobody is sent the one that they hold themselves. */
  isAudible(slot: number, listenerId: string): boolean;
  /** Runs `listener` whenever `talkerId` holds another slot than before, or none any more. @returns what removes it */
  onSlot(talkerId: string, listener: () => void): () => void;
}
