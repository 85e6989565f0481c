/** A joined peer, as the handlers of its requests see it. */

import type { TokenBucket } from '../../shared/TokenBucket.ts';
import type { Peer } from '../room/Peer.ts';
import type { Room } from '../room/Room.ts';

export interface RequestContext {
  readonly peer: Peer;
  readonly room: Room;
  /** Whether it joined with a token, which says what it may do. */
  readonly authenticated: boolean;
  /** Limits its reactions: each is sent to everyone in the room. */
  readonly reactions: TokenBucket;
  /** Limits how often it asks for a page of the chat. */
  readonly chatPages: TokenBucket;
  /** Its client is about to report how the join went. @returns whether it has not done so yet */
  takeJoinReport(): boolean;
}

/** Who a request is from, when its handler runs. @throws {WeirError} `notJoined` */
export type CurrentContext = () => RequestContext;
