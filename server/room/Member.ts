/** Owns the interface that a Room sees: anything that can be in a room. */
import type { Producer } from 'mediasoup/types';
import type { CloseReason } from '../../shared/closing.ts';
import type { Source } from '../../shared/media.ts';
import type { PeerInfo, ServerEvents } from '../../shared/protocol.ts';

/** A producer that a member has published, as it is offered to the others. */
export interface Publication {
  readonly peerId: string;
  readonly source: Source;
  readonly producer: Producer;
}

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
  /** Takes news of the room. */
  notify<E extends keyof ServerEvents>(event: E, data: ServerEvents[E]): void;
  /** Ends it; repeating does nothing. */
  close(reason: CloseReason): void;
  /** Runs `listener` once it has ended. */
  onEnd(listener: (reason: CloseReason) => void): void;
}
