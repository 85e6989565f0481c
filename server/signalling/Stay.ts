/** Owns the bond of a peer with its connections: one at a time speaks for it, and for a while there may be none. */
import { randomBytes } from 'node:crypto';
import { Answers } from '../../shared/Channel.ts';
import type { CloseReason } from '../../shared/closing.ts';
import type { ResumeReply, ServerEvents } from '../../shared/protocol.ts';
import type { Peer } from '../room/Peer.ts';
import type { Room } from '../room/Room.ts';
import type { Caller } from './Caller.ts';
import { RateLimit } from './RateLimit.ts';
import { TokenRefresh, type TokenRefreshOptions } from './TokenRefresh.ts';

/** How long a stay may be without a connection before the others are told, in milliseconds: most cuts are shorter. */
const UNNOTICED = 4000;

/** How many reactions of one peer the others are told of. */
const REACTIONS = { perSecond: 1, burst: 10 };

/** Ways in which a connection ends, and its client does not mean to leave. */
const cuts: ReadonlySet<CloseReason> = new Set(['disconnected', 'unresponsive', 'slowReader', 'abandoned']);

/**
 * How long to wait for a client whose connection was closed with 1001, or without a code: in milliseconds, and no more than
 * this share of the window. A proxy that restarts says so, and the client is back at once; a browser whose tab has crashed
 * says so, and it is not. A page that is closed says 1000.
 */
const GOING_AWAY = { most: 3000, share: 0.25 };

export interface StayOptions {
  readonly peer: Peer;
  readonly room: Room;
  /** How it is given fresh tokens. */
  readonly tokens: Pick<TokenRefreshOptions, 'sign' | 'onSigned' | 'onError'>;
  /** Whether it was joined with a token. */
  readonly authenticated: boolean;
  /** How long it outlives its connection, in milliseconds. */
  readonly window: number;
  /** A place to wait in without a connection, for one who came from that address; undefined when there is none left. */
  wait(address: string): Disposable | undefined;
}

export class Stay {
  /** Whoever has it may go on with this stay; only its client has. */
  readonly key = randomBytes(32).toString('base64url');
  readonly peer: Peer;
  readonly room: Room;
  /** How many reactions it may still send: each is told to everybody in the room. */
  readonly reactions = new RateLimit(REACTIONS.perSecond, REACTIONS.burst);
  readonly #options: StayOptions;
  readonly #answers = new Answers();
  readonly #tokens: TokenRefresh;
  #caller: Caller | undefined;
  #answered = false;
  #confirmed = false;
  #lastAddress: string | undefined;
  #noticing: NodeJS.Timeout | undefined;
  #waiting: Disposable | undefined;
  #ending: NodeJS.Timeout | undefined;

  constructor(options: StayOptions) {
    const { peer, room, tokens } = options;
    this.peer = peer;
    this.room = room;
    this.#options = options;
    this.#tokens = new TokenRefresh({ ...tokens, peer, tell: (event, data) => this.tell(event, data) });
    peer.onEnd((reason) => this.#ended(reason));
  }

  /** Whether it was joined with a token. */
  get authenticated(): boolean {
    return this.#options.authenticated;
  }

  /** Whether a connection has spoken for it yet. */
  get begun(): boolean {
    return this.#lastAddress !== undefined;
  }

  tell<E extends keyof ServerEvents>(event: E, data: ServerEvents[E]): void {
    this.#caller?.tell(event, data);
  }

  /** From now on `caller` speaks for the peer; an older connection of it, which may not know yet that it is cut, ends. */
  attach(caller: Caller): void {
    const former = this.#caller;
    this.#caller = caller;
    this.#lastAddress = caller.address;
    this.#endWaiting();
    this.#setAway(false);
    caller.bind(this, this.#answers);
    former?.close('resumed');
  }

  /** As `attach`, for one that comes back. @returns all that there is now */
  resume(caller: Caller): ResumeReply {
    const moved = caller.address !== this.#lastAddress;
    this.peer.hold();
    this.attach(caller);
    const { peer, room } = this;
    const consumers = peer.start();
    // News, which follows the reply.
    room.broadcast?.remind(peer);
    setImmediate(() => this.#tokens.refresh());
    return {
      peers: room.peersSeenBy(peer),
      consumers,
      undecodable: peer.undecodable,
      slots: room.slots,
      watched: peer.watched,
      moved,
      sources: peer.info.sources,
      grants: peer.grants,
      transports: peer.transports,
      ...broadcastSeenBy(peer, room),
    };
  }

  /** The reply to `join`, with the key in it, is about to leave. */
  answered(): void {
    this.#answered = true;
    // It may be sent only when the reply has been.
    setImmediate(() => this.#tokens.refresh());
  }

  /** The client has said something: after the reply to its `join` that means that it has the key. */
  confirm(): void {
    this.#confirmed ||= this.#answered;
  }

  /** A connection of this stay has ended. */
  detach(caller: Caller, reason: CloseReason): void {
    if (this.#caller !== caller) return;
    this.peer.flush();
    this.#caller = undefined;
    if (this.peer.closed) return;
    const { window, wait } = this.#options;
    const end = caller.goingAway ? 'left' : reason;
    const mayReturn = cuts.has(reason) && this.#confirmed && window > 0;
    this.#waiting = mayReturn ? wait(caller.address) : undefined;
    if (!this.#waiting) {
      this.peer.close(end);
      return;
    }
    this.peer.hold();
    const time = caller.goingAway ? Math.min(GOING_AWAY.most, GOING_AWAY.share * window) : window;
    this.#ending = setTimeout(() => this.peer.close(end), time);
    // Who has been silent for so long has been away for so long.
    const unnoticed = reason === 'unresponsive' ? 0 : UNNOTICED;
    this.#noticing = setTimeout(() => this.#setAway(true), unnoticed);
  }

  #setAway(away: boolean): void {
    clearTimeout(this.#noticing);
    const { peer, room } = this;
    if (peer.closed || peer.info.away === away) return;
    peer.setAway(away);
    room.tellOf(peer, 'peerAway', { peerId: peer.id, away });
  }

  #endWaiting(): void {
    clearTimeout(this.#ending);
    this.#waiting?.[Symbol.dispose]();
    this.#waiting = undefined;
  }

  #ended(reason: CloseReason): void {
    this.#endWaiting();
    clearTimeout(this.#noticing);
    const caller = this.#caller;
    this.#caller = undefined;
    caller?.close(reason);
  }
}

/** What a snapshot says of a broadcast; nothing of a call. */
export function broadcastSeenBy(peer: Peer, { broadcast }: Room): Pick<ResumeReply, 'broadcast' | 'hands'> {
  if (!broadcast) return {};
  return { broadcast: broadcast.info, ...(peer.isAdmin && { hands: broadcast.hands }) };
}
