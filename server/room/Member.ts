/** Owns the interface that a Room sees: anything that can be in a room. */
import type { CloseReason } from '../../shared/closeReasons.ts';
import type { Grants, PeerInfo, ServerEvents } from '../../shared/protocol.ts';
import type { AudioSlots } from '../media/audio/AudioSlots.ts';
import type { Publication } from './Publication.ts';

/** Whatever a room holds: a browser's peer now; a WHIP publisher, a recorder or another node in the same way. */
export interface Member {
  /** Of this one stay in the room. */
  readonly id: string;
  /** Of the person or device: a room holds one member an identity. */
  readonly identity: string;
  /** The others are not told of it. */
  readonly hidden: boolean;
  /** It may remove others, change what they may do, and run a broadcast. */
  readonly isAdmin: boolean;
  /** What it may do. */
  readonly grants: Grants;
  /** How the others see it now. */
  readonly info: PeerInfo;
  /** Takes what another member publishes, if it wants it. May reject: the room logs it and goes on. */
  subscribe(publication: Publication): Promise<void>;
  /** What it may do from now on: what it no longer may has ended when this returns. */
  setGrants(grants: Grants): void;
  /** Gives back everything that it was offered, and the slots. */
  unsubscribeAll(): void;
  /** Takes the voices of the room by slots, instead of by microphones, until `leaveSlots`. May reject, as `offer` may. */
  subscribeSlots(slots: AudioSlots): Promise<void>;
  /** Takes microphones by themselves again, which it has been offered. Resolves when it hears no slot any more. */
  unsubscribeSlots(): Promise<void>;
  /** Which slot carries its own voice. It must not be sent to it from the moment on that this returns. */
  setOwnSlot(slot: number | undefined): void;
  /** Takes news of the room. */
  notify<E extends keyof ServerEvents>(event: E, data: ServerEvents[E]): void;
  /** Ends it; repeating does nothing. */
  close(reason: CloseReason): void;
  /** Runs `listener` once it has ended. */
  onEnd(listener: (reason: CloseReason) => void): void;
}
