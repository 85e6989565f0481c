/** A connection, as the handlers of `join`, `resume` and `leave` see it. */
import type { Logger } from 'pino';
import type { CloseReason } from '../../shared/closeReasons.ts';
import type { AttachedConnection } from './PeerSession.ts';
import type { RequestContext } from './RequestContext.ts';
import type { ServerContext } from './ServerContext.ts';

/** Whom the lines of a connection are about. */
export interface LogIds {
  readonly room?: string;
  readonly identity?: string;
  readonly peer?: string;
}

export interface ClientConnection extends AttachedConnection {
  readonly server: ServerContext;
  readonly log: Logger;
  /** Every line of its log has these ids from now on. */
  bindLog(ids: LogIds): void;
  /** The peer that it has joined as; undefined before `join` or `resume`. */
  readonly context: RequestContext | undefined;
  /** Aborted when the connection ends: nobody waits any more for what was begun for it. */
  readonly signal: AbortSignal;
  /** Stops the time within which it must join, until the result is disposed of: a valid `join` is under way. */
  pauseJoinTimeout(): Disposable;
  /** Runs `listener` when the connection has ended, or now if it has. */
  onEnd(listener: (reason: CloseReason) => void): void;
}
