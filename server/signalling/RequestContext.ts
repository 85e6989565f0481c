/** Owns what a request's handler sees of the connection that it came on. */
import type { Logger } from 'pino';
import type { CloseReason } from '../../shared/closeReasons.ts';
import type { ServerEvents } from '../../shared/protocol.ts';
import type { ReplyCache } from '../../shared/RpcChannel.ts';
import type { AccessControl } from '../auth/AccessControl.ts';
import type { Config } from '../config.ts';
import type { RoomManager } from '../room/RoomManager.ts';
import type { PeerSession } from './PeerSession.ts';
import type { SessionRegistry } from './SessionRegistry.ts';

/** What all connections of a server share. */
export interface ServerContext {
  readonly config: Config;
  readonly rooms: RoomManager;
  readonly sessions: SessionRegistry;
  readonly access: AccessControl;
}

/** The client that sent a request. */
export interface RequestContext {
  readonly context: ServerContext;
  readonly log: Logger;
  readonly joined: boolean;
  /** Where it comes from, as far as that is known. */
  readonly address: string;
  /** The stay that it speaks for. @throws {WeirError} `notJoined` */
  readonly session: PeerSession;
  /** Tells it something. */
  notify<E extends keyof ServerEvents>(event: E, data: ServerEvents[E]): void;
  /** Aborted once it has ended: what it waits for is not wanted any more. */
  readonly signal: AbortSignal;
  /** It was closed with 1001, or without a code: by a proxy that restarts, or by a browser whose page is gone. */
  readonly goingAway: boolean;
  /** Its `join` is a valid one and under way: as long as that takes it is not late. */
  pauseJoinTimeout(): Disposable;
  /** From now on it speaks for `stay`, whose earlier connections were asked what is in `answers`. */
  attachSession(stay: PeerSession, answers: ReplyCache): void;
  /** Runs `listener` once it has ended, or now if it has. */
  onEnd(listener: (reason: CloseReason) => void): void;
  /** Ends it and tells the client why. */
  close(reason: CloseReason): void;
}
