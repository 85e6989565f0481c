/** Owns the bond of a peer with its connections: one at a time speaks for it, and for a while there may be none. */
import { randomBytes } from 'node:crypto';
import type { CloseReason } from '../../shared/closeReasons.ts';
import type { ResumeReply, ServerEvents } from '../../shared/protocol.ts';
import { ReplyCache } from '../../shared/RpcChannel.ts';
import { TokenRefresh, type TokenRefreshOptions } from '../auth/TokenRefresh.ts';
import type { Peer } from '../room/Peer.ts';
import type { Room } from '../room/Room.ts';
import type { RequestContext } from './RequestContext.ts';
import { TokenBucket } from './TokenBucket.ts';

/** How long a stay may be without a connection before the others are told, in milliseconds: most cuts are shorter. */
const AWAY_DELAY = 4000;

/** How many reactions of one peer the others are told of. */
const REACTIONS = { perSecond: 1, burst: 10 };

/** Ways in which a connection ends, and its client does not mean to leave. */
const resumableReasons: ReadonlySet<CloseReason> = new Set([
  'disconnected',
  'unresponsive',
  'sendBufferFull',
  'abandoned',
]);

/**
 * How long to wait for a client whose connection was closed with 1001, or without a code: in milliseconds, and no more than
 * this share of the window. A proxy that restarts says so, and the client is back at once; a browser whose tab has crashed
 * says so, and it is not. A page that is closed says 1000.
 */
const GOING_AWAY = { most: 3000, share: 0.25 };

export interface PeerSessionOptions {
  readonly peer: Peer;
  readonly room: Room;
  /** How it is given fresh tokens. */
  readonly tokens: Pick<TokenRefreshOptions, 'sign' | 'onError'>;
  /** Whether it was joined with a token. */
  readonly authenticated: boolean;
  /** How long it outlives its connection, in milliseconds. */
  readonly window: number;
  /** A place to wait in without a connection, for one who came from that address; undefined when there is none left. */
  reserve(address: string): Disposable | undefined;
}

export class PeerSession {
  /** Whoever has it may go on with this stay; only its client has. */
  readonly key = randomBytes(32).toString('base64url');
  readonly peer: Peer;
  readonly room: Room;
  /** How many reactions it may still send: each is told to everybody in the room. */
  readonly reactions = new TokenBucket(REACTIONS.perSecond, REACTIONS.burst);
  readonly #options: PeerSessionOptions;
  readonly #replies = new ReplyCache();
  readonly #tokens: TokenRefresh;
  #connection: RequestContext | undefined;
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

  /** Whether it was joined with a token. */
  get authenticated(): boolean {
    return this.#options.authenticated;
  }

  /** Whether a connection has spoken for it yet. */
  get attachedOnce(): boolean {
    return this.#lastAddress !== undefined;
  }

  notify<E extends keyof ServerEvents>(event: E, data: ServerEvents[E]): void {
    this.#connection?.notify(event, data);
  }

  /** From now on `caller` speaks for the peer; an older connection of it, which may not know yet that it is cut, ends. */
  attach(caller: RequestContext): void {
    const former = this.#connection;
    this.#connection = caller;
    this.#lastAddress = caller.address;
    this.#cancelExpiry();
    this.#setAway(false);
    caller.attachSession(this, this.#replies);
    former?.close('resumed');
  }

  /** As `attach`, for one that comes back. @returns all that there is now */
  resume(caller: RequestContext): ResumeReply {
    const addressChanged = caller.address !== this.#lastAddress;
    this.peer.suspendEvents();
    this.attach(caller);
    const { peer, room } = this;
    const consumers = peer.start();
    // News, which follows the reply.
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

  /** The reply to `join`, with the key in it, is about to leave. */
  joinReplySent(): void {
    this.#joinReplySent = true;
    // It may be sent only when the reply has been.
    setImmediate(() => this.#tokens.refresh());
  }

  /** The client has said something: after the reply to its `join` that means that it has the key. */
  confirm(): void {
    this.#confirmed ||= this.#joinReplySent;
  }

  /** A connection of this stay has ended. */
  detach(caller: RequestContext, reason: CloseReason): void {
    if (this.#connection !== caller) return;
    this.peer.flush();
    this.#connection = undefined;
    if (this.peer.closed) return;
    const { window, reserve } = this.#options;
    const end = caller.goingAway ? 'left' : reason;
    const mayReturn = resumableReasons.has(reason) && this.#confirmed && window > 0;
    this.#reservation = mayReturn ? reserve(caller.address) : undefined;
    if (!this.#reservation) {
      this.peer.close(end);
      return;
    }
    this.peer.suspendEvents();
    const time = caller.goingAway ? Math.min(GOING_AWAY.most, GOING_AWAY.share * window) : window;
    this.#expiryTimer = setTimeout(() => this.peer.close(end), time);
    // Who has been silent for so long has been away for so long.
    const unnoticed = reason === 'unresponsive' ? 0 : AWAY_DELAY;
    this.#awayTimer = setTimeout(() => this.#setAway(true), unnoticed);
  }

  #setAway(away: boolean): void {
    clearTimeout(this.#awayTimer);
    const { peer, room } = this;
    if (peer.closed || peer.info.away === away) return;
    peer.setAway(away);
    room.notifyOthers(peer, 'peerAway', { peerId: peer.id, away });
  }

  #cancelExpiry(): void {
    clearTimeout(this.#expiryTimer);
    this.#reservation?.[Symbol.dispose]();
    this.#reservation = undefined;
  }

  #onPeerClosed(reason: CloseReason): void {
    this.#cancelExpiry();
    clearTimeout(this.#awayTimer);
    const caller = this.#connection;
    this.#connection = undefined;
    caller?.close(reason);
  }
}

/** What a snapshot says of a broadcast; nothing of a call. */
export function broadcastSnapshotFor(peer: Peer, { broadcast }: Room): Pick<ResumeReply, 'broadcast' | 'hands'> {
  if (!broadcast) return {};
  return { broadcast: broadcast.info, ...(peer.grants.roomAdmin && { hands: broadcast.hands }) };
}
