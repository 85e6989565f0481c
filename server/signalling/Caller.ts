/** Owns what a request's handler sees of the connection that it came on. */
import type { CloseReason } from '../../shared/closing.ts';
import type { ServerEvents } from '../../shared/protocol.ts';
import type { Config } from '../config.ts';
import type { Peer } from '../room/Peer.ts';
import type { Room } from '../room/Room.ts';
import type { Rooms } from '../room/Rooms.ts';
import type { Gate } from './tokens.ts';

/** What all connections of a server share. */
export interface SignallingContext {
  readonly config: Config;
  readonly rooms: Rooms;
  readonly gate: Gate;
}

/** The client that sent a request. */
export interface Caller {
  readonly context: SignallingContext;
  readonly joined: boolean;
  /** The peer that it speaks for and its room. @throws {WeirError} `notJoined` */
  readonly stay: { readonly peer: Peer; readonly room: Room };
  /** Tells it something. */
  tell<E extends keyof ServerEvents>(event: E, data: ServerEvents[E]): void;
  /** From now on it speaks for `peer`, and ends with it. */
  bind(peer: Peer, room: Room): void;
  /** Runs `listener` once it has ended, or now if it has. */
  onEnd(listener: (reason: CloseReason) => void): void;
  /** Ends it and tells the client why. */
  close(reason: CloseReason): void;
}
