/** Owns what a request's handler sees of the connection that it came on. */
import type { Logger } from 'pino';
import type { Answers } from '../../shared/Channel.ts';
import type { CloseReason } from '../../shared/closing.ts';
import type { ServerEvents } from '../../shared/protocol.ts';
import type { Config } from '../config.ts';
import type { Moderation } from '../room/Moderation.ts';
import type { Rooms } from '../room/Rooms.ts';
import type { Stay } from './Stay.ts';
import type { Stays } from './Stays.ts';
import type { Gate } from './tokens.ts';

/** What all connections of a server share. */
export interface SignallingContext {
  readonly config: Config;
  readonly rooms: Rooms;
  readonly stays: Stays;
  readonly gate: Gate;
  readonly moderation: Moderation;
}

/** The client that sent a request. */
export interface Caller {
  readonly context: SignallingContext;
  readonly log: Logger;
  readonly joined: boolean;
  /** Where it comes from, as far as that is known. */
  readonly address: string;
  /** The stay that it speaks for. @throws {WeirError} `notJoined` */
  readonly stay: Stay;
  /** Tells it something. */
  tell<E extends keyof ServerEvents>(event: E, data: ServerEvents[E]): void;
  /** Aborted once it has ended: what it waits for is not wanted any more. */
  readonly signal: AbortSignal;
  /** It was closed with 1001, or without a code: by a proxy that restarts, or by a browser whose page is gone. */
  readonly goingAway: boolean;
  /** Its `join` is a valid one and under way: as long as that takes it is not late. */
  joining(): Disposable;
  /** From now on it speaks for `stay`, whose earlier connections were asked what is in `answers`. */
  bind(stay: Stay, answers: Answers): void;
  /** Runs `listener` once it has ended, or now if it has. */
  onEnd(listener: (reason: CloseReason) => void): void;
  /** Ends it and tells the client why. */
  close(reason: CloseReason): void;
}
