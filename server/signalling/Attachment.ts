/**
 * Which connection is attached to a session, and what happens while there is none: after a delay the peer counts as away,
 * and after a longer one the session expires.
 */
import { EventEmitter } from 'node:events';
import type { CloseReason } from '../../shared/closeReasons.ts';

/** How long a peer may be without a connection before the others are notified, in milliseconds. Most losses are shorter. */
const AWAY_DELAY = 4000;

/**
 * How long to wait for a client whose connection was closed with 1001 or without a code: in milliseconds, and at most this
 * share of the window. A proxy that restarts closes so, and its clients come back at once. So does a browser whose tab has
 * crashed, which does not come back. A page that is closed says 1000.
 */
const GOING_AWAY = { most: 3000, share: 0.25 };

/** How a connection ends whose client did not mean to leave, and may come back. */
const resumableReasons: ReadonlySet<CloseReason> = new Set([
  'disconnected',
  'unresponsive',
  'sendBufferFull',
  'abandoned',
]);

/** A connection, as far as attaching it is concerned. */
export interface AttachableConnection {
  /** IP address of the client, as far as it is known. */
  readonly address: string;
  /** Whether it was closed with 1001 or without a code: by a proxy that restarts, or by a browser whose page is gone. */
  readonly goingAway: boolean;
  /** Closes it with this reason, which the client is sent. */
  close(reason: CloseReason): void;
}

export interface AttachmentOptions {
  /** How long a session outlives its connection, in milliseconds. */
  readonly window: number;
  /** Reserves its place among the sessions without a connection from that address; undefined when there are too many. */
  reserve(address: string): Disposable | undefined;
}

interface AttachmentEvents {
  /** The peer has been without a connection for a while (true), or has one again (false). */
  away: [away: boolean];
  /** No connection was attached in time; the reason is that of the session's end. */
  expired: [reason: CloseReason];
}

export class Attachment<Connection extends AttachableConnection> {
  readonly events = new EventEmitter<AttachmentEvents>();
  readonly #options: AttachmentOptions;
  #connection: Connection | undefined;
  #lastAddress: string | undefined;
  #away = false;
  #awayTimer: NodeJS.Timeout | undefined;
  #reservation: Disposable | undefined;
  #expiryTimer: NodeJS.Timeout | undefined;

  constructor(options: AttachmentOptions) {
    this.#options = options;
  }

  /** The connection that is attached now. */
  get connection(): Connection | undefined {
    return this.#connection;
  }

  /** The address of the last connection; undefined before the first one. */
  get lastAddress(): string | undefined {
    return this.#lastAddress;
  }

  /** Attaches a connection. An older one, which may not know yet that it is lost, closes. */
  attach(connection: Connection): void {
    const former = this.#connection;
    this.#connection = connection;
    this.#lastAddress = connection.address;
    this.#stopWaiting();
    this.#setAway(false);
    former?.close('resumed');
  }

  /**
   * Detaches the connection, which has ended for that reason.
   * @param resumable whether its client is able to resume the session
   * @returns the reason with which the session must end now; undefined where it waits for another connection
   */
  detach(reason: CloseReason, resumable: boolean): CloseReason | undefined {
    const connection = this.#connection;
    if (!connection) return undefined;
    this.#connection = undefined;
    const { window, reserve } = this.#options;
    const end = connection.goingAway ? 'left' : reason;
    if (!resumable || !resumableReasons.has(reason) || window === 0) return end;
    this.#reservation = reserve(connection.address);
    if (!this.#reservation) return end;
    const time = connection.goingAway ? Math.min(GOING_AWAY.most, GOING_AWAY.share * window) : window;
    this.#expiryTimer = setTimeout(() => this.events.emit('expired', end), time);
    // After `unresponsive` the heartbeat timeout has already elapsed: the peer is away at once.
    this.#awayTimer = setTimeout(() => this.#setAway(true), reason === 'unresponsive' ? 0 : AWAY_DELAY);
    return undefined;
  }

  /** Ends the waiting, and closes the connection that is attached. */
  close(reason: CloseReason): void {
    this.#stopWaiting();
    const connection = this.#connection;
    this.#connection = undefined;
    connection?.close(reason);
  }

  #setAway(away: boolean): void {
    if (this.#away === away) return;
    this.#away = away;
    this.events.emit('away', away);
  }

  #stopWaiting(): void {
    clearTimeout(this.#awayTimer);
    clearTimeout(this.#expiryTimer);
    this.#reservation?.[Symbol.dispose]();
    this.#reservation = undefined;
  }
}
