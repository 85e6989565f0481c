/** Owns the interface that a Room sees: anything that can be in a room. */
import type { CloseReason } from '../../shared/closing.ts';
import type { PeerInfo, ServerEvents } from '../../shared/protocol.ts';
import type { VoiceSlots } from '../media/voices/VoiceSlots.ts';
import type { Publication } from './Publication.ts';

/** Whatever a room holds: a browser's peer now; a WHIP publisher, a recorder or another node in the same way. */
export interface Member {
  /** Of this one stay in the room. */
  readonly id: string;
  /** Of the person or device: a room holds one member an identity. */
  readonly identity: string;
  /** The others are not told of it. */
  readonly hidden: boolean;
  /** How the others see it now. */
  readonly info: PeerInfo;
  /** Takes what another member publishes, if it wants it. May reject: the room logs it and goes on. */
  offer(publication: Publication): Promise<void>;
  /** Takes the voices of the room by slots, instead of by microphones, until `leaveSlots`. May reject, as `offer` may. */
  takeSlots(slots: VoiceSlots): Promise<void>;
  leaveSlots(): void;
  /** Which slot carries its own voice. It must not be sent to it from the moment on that this returns. */
  setOwnSlot(slot: number | undefined): void;
  /** Takes news of the room. */
  notify<E extends keyof ServerEvents>(event: E, data: ServerEvents[E]): void;
  /** Ends it; repeating does nothing. */
  close(reason: CloseReason): void;
  /** Runs `listener` once it has ended. */
  onEnd(listener: (reason: CloseReason) => void): void;
}
