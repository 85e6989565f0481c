/**
 * A joined peer over all of its connections: one of them at a time is attached, and for a while there may be none. The
 * session has what outlives a connection: the peer, its queue of requests with their replies, and its fresh tokens.
 */
import { randomBytes } from 'node:crypto';
import type { CloseReason } from '../../shared/closeReasons.ts';
import type { ResumeReply, ServerEvents } from '../../shared/protocol.ts';
import { RequestQueue } from '../../shared/RequestQueue.ts';
import { TokenRefresh, type TokenRefreshOptions } from '../auth/TokenRefresh.ts';
import type { Peer } from '../room/Peer.ts';
import type { Room } from '../room/Room.ts';
import type { RequestContext } from './RequestContext.ts';
import { TokenBucket } from './TokenBucket.ts';

/** How long a peer may be without a connection before the others are told, in milliseconds. Most losses are shorter. */
const AWAY_DELAY = 4000;

/** Limit of the reactions of one peer that are sent to the others. */
const REACTIONS = { perSecond: 1, burst: 10 };

/** How a connection ends whose client did not mean to leave, and may come back. */
const resumableReasons: ReadonlySet<CloseReason> = new Set([
  'disconnected',
  'unresponsive',
  'sendBufferFull',
  'abandoned',
]);

/**
 * How long to wait for a client whose connection was closed with 1001 or without a code: in milliseconds, and at most this
 * share of the window. A proxy that restarts closes so, and its clients come back at once. So does a browser whose tab has
 * crashed, which does not come back. A page that is closed says 1000.
 */
const GOING_AWAY = { most: 3000, share: 0.25 };

/** What a session needs of a connection. */
export interface AttachedConnection {
  /** IP address of the client, as far as it is known. */
  readonly address: string;
  /** Whether it was closed with 1001 or without a code: by a proxy that restarts, or by a browser whose page is gone. */
  readonly goingAway: boolean;
  notify<E extends keyof ServerEvents>(event: E, data: ServerEvents[E]): void;
  /** Makes it the connection of `session`: its requests go through the queue of the session from now on. */
  attachSession(session: PeerSession): void;
  /** Closes it with this reason, which the client is sent. */
  close(reason: CloseReason): void;
}

export interface PeerSessionOptions {
  readonly peer: Peer;
  readonly room: Room;
  /** How its fresh tokens are signed. */
  readonly tokens: Pick<TokenRefreshOptions, 'sign' | 'onError'>;
  /** Whether it joined with a token. */
  readonly authenticated: boolean;
  /** How long it outlives its connection, in milliseconds. */
  readonly window: number;
  /** Reserves its place among the sessions without a connection from that address; undefined when there are too many. */
  reserve(address: string): Disposable | undefined;
}

export class PeerSession implements RequestContext {
  /** The secret that resumes this session. Only its client has it. */
  readonly key = randomBytes(32).toString('base64url');
  readonly peer: Peer;
  readonly room: Room;
  readonly reactions = new TokenBucket(REACTIONS.perSecond, REACTIONS.burst);
  /** The peer's requests, whichever connection they come on. */
  readonly requests = new RequestQueue();
  readonly #options: PeerSessionOptions;
  readonly #tokens: TokenRefresh;
  #connection: AttachedConnection | undefined;
  #joinReplySent = false;
  #confirmed = false;
  #lastAddress: string | undefined;
  #awayTimer: NodeJS.Timeout | undefined;
  #reservation: Disposable | undefined;
  #expiryTimer: NodeJS.Timeout | undefined;

  constructor(options: PeerSessionOptions) {
    const { peer, room, tokens } = options;
    this.peer = peer;
    this.room = room;
    this.#options = options;
    this.#tokens = new TokenRefresh({ ...tokens, peer, notify: (event, data) => this.notify(event, data) });
    peer.onEnd((reason) => this.#onPeerClosed(reason));
  }

  /** Whether it joined with a token. */
  get authenticated(): boolean {
    return this.#options.authenticated;
  }

  /** Whether a connection has been attached yet. */
  get attachedOnce(): boolean {
    return this.#lastAddress !== undefined;
  }

  /** Sends the client an event; without a connection it is dropped. */
  notify<E extends keyof ServerEvents>(event: E, data: ServerEvents[E]): void {
    this.#connection?.notify(event, data);
  }

  /** Attaches a connection. An older one, which may not know yet that it is lost, closes. */
  attach(connection: AttachedConnection): void {
    const former = this.#connection;
    this.#connection = connection;
    this.#lastAddress = connection.address;
    this.#cancelExpiry();
    this.#setAway(false);
    connection.attachSession(this);
    former?.close('resumed');
  }

  /**
   * Attaches the connection of a client that comes back. It awaits nothing, so that the reply is one snapshot; a request of
   * the former connection may still be running, and its outcome follows as events.
   * @returns the current state of the room, for the client
   */
  resume(connection: AttachedConnection): ResumeReply {
    const addressChanged = connection.address !== this.#lastAddress;
    this.peer.suspendEvents();
    this.attach(connection);
    const { peer, room } = this;
    const consumers = peer.start();
    // Both are events, which follow the reply.
    room.broadcast?.remind(peer);
    setImmediate(() => this.#tokens.refresh());
    return {
      peers: room.visiblePeers(peer),
      consumers,
      unsupportedCodecs: peer.unsupportedCodecs,
      slots: room.slots,
      subscribedLayers: peer.subscribedLayers,
      addressChanged,
      sources: peer.info.sources,
      grants: peer.grants,
      transports: peer.transports,
      ...broadcastSnapshotFor(peer, room),
    };
  }

  /** Call it when the reply to `join`, which has the key, is about to be sent. */
  joinReplySent(): void {
    this.#joinReplySent = true;
    // The event follows the reply.
    setImmediate(() => this.#tokens.refresh());
  }

  /** Call it for each message of the client: one that comes after the reply to `join` shows that the client has the key. */
  confirm(): void {
    this.#confirmed ||= this.#joinReplySent;
  }

  /** Call it when a connection has ended: the session waits for another one, or ends. */
  detach(connection: AttachedConnection, reason: CloseReason): void {
    if (this.#connection !== connection) return;
    this.peer.flush();
    this.#connection = undefined;
    if (this.peer.closed) return;
    const { window, reserve } = this.#options;
    const end = connection.goingAway ? 'left' : reason;
    const resumable = resumableReasons.has(reason) && this.#confirmed && window > 0;
    this.#reservation = resumable ? reserve(connection.address) : undefined;
    if (!this.#reservation) {
      this.peer.close(end);
      return;
    }
    this.peer.suspendEvents();
    const time = connection.goingAway ? Math.min(GOING_AWAY.most, GOING_AWAY.share * window) : window;
    this.#expiryTimer = setTimeout(() => this.peer.close(end), time);
    // After `unresponsive` the heartbeat timeout has already elapsed: the peer is away at once.
    this.#awayTimer = setTimeout(() => this.#setAway(true), reason === 'unresponsive' ? 0 : AWAY_DELAY);
  }

  #setAway(away: boolean): void {
    clearTimeout(this.#awayTimer);
    const { peer, room } = this;
    if (peer.closed || peer.info.away === away) return;
    peer.setAway(away);
    room.awayChanged(peer, away);
  }

  #cancelExpiry(): void {
    clearTimeout(this.#expiryTimer);
    this.#reservation?.[Symbol.dispose]();
    this.#reservation = undefined;
  }

  #onPeerClosed(reason: CloseReason): void {
    this.#cancelExpiry();
    clearTimeout(this.#awayTimer);
    const connection = this.#connection;
    this.#connection = undefined;
    connection?.close(reason);
  }
}

/** The part of a snapshot that is about a broadcast; nothing for a call. */
export function broadcastSnapshotFor(peer: Peer, { broadcast }: Room): Pick<ResumeReply, 'broadcast' | 'hands'> {
  if (!broadcast) return {};
  return { broadcast: broadcast.info, ...(peer.grants.roomAdmin && { hands: broadcast.hands }) };
}
