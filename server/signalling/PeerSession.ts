/**
 * A joined peer over all of its connections: one of them at a time is attached, and for a while there may be none. The
 * session has what outlives a connection: the peer, its queue of requests with their replies, and its fresh tokens.
 */
import { randomBytes } from 'node:crypto';
import type { CloseReason } from '../../shared/closeReasons.ts';
import type { ResumeReply, ServerEvents } from '../../shared/protocol.ts';
import { RequestQueue } from '../../shared/RequestQueue.ts';
import { TokenBucket } from '../../shared/TokenBucket.ts';
import { TokenRefresh, type TokenRefreshOptions } from '../auth/TokenRefresh.ts';
import type { Peer } from '../room/Peer.ts';
import type { Room } from '../room/Room.ts';
import { type AttachableConnection, Attachment, type AttachmentOptions } from './Attachment.ts';
import type { RequestContext } from './RequestContext.ts';

/** Limit of the reactions of one peer that are sent to the others. */
const REACTIONS = { perSecond: 1, burst: 10 };
/** Limit of the pages of the chat that one peer is sent, of up to 64 KiB each. */
const CHAT_PAGES = { perSecond: 2, burst: 50 };

/** What a session needs of a connection. */
export interface AttachedConnection extends AttachableConnection {
  notify<E extends keyof ServerEvents>(event: E, data: ServerEvents[E]): void;
  /** Makes it the connection of `session`: its requests go through the queue of the session from now on. */
  attachSession(session: PeerSession): void;
}

export interface PeerSessionOptions extends AttachmentOptions {
  readonly peer: Peer;
  readonly room: Room;
  /** How its fresh tokens are signed. */
  readonly tokens: Pick<TokenRefreshOptions, 'sign' | 'onError'>;
  /** Whether it joined with a token. */
  readonly authenticated: boolean;
}

export class PeerSession implements RequestContext {
  /** The secret that resumes this session. Only its client has it. */
  readonly key = randomBytes(32).toString('base64url');
  readonly peer: Peer;
  readonly room: Room;
  readonly reactions = new TokenBucket(REACTIONS.perSecond, REACTIONS.burst);
  readonly chatPages = new TokenBucket(CHAT_PAGES.perSecond, CHAT_PAGES.burst);
  /** The peer's requests, whichever connection they come on. */
  readonly requests = new RequestQueue();
  readonly #options: PeerSessionOptions;
  readonly #tokens: TokenRefresh;
  readonly #attachment: Attachment<AttachedConnection>;
  #joinReported = false;
  #joinReplySent = false;
  #confirmed = false;

  constructor(options: PeerSessionOptions) {
    const { peer, room, tokens } = options;
    this.peer = peer;
    this.room = room;
    this.#options = options;
    this.#tokens = new TokenRefresh({ ...tokens, peer, notify: (event, data) => this.notify(event, data) });
    const attachment = new Attachment<AttachedConnection>(options);
    this.#attachment = attachment;
    attachment.events.on('away', (away) => this.#setAway(away));
    attachment.events.on('expired', (reason) => peer.close(reason));
    peer.onEnd((reason) => attachment.close(reason));
  }

  /** Whether it joined with a token. */
  get authenticated(): boolean {
    return this.#options.authenticated;
  }

  /** Whether a connection has been attached yet. */
  get attachedOnce(): boolean {
    return this.#attachment.lastAddress !== undefined;
  }

  takeJoinReport(): boolean {
    const isFirst = !this.#joinReported;
    this.#joinReported = true;
    return isFirst;
  }

  /** Sends the client an event; without a connection it is dropped. */
  notify<E extends keyof ServerEvents>(event: E, data: ServerEvents[E]): void {
    this.#attachment.connection?.notify(event, data);
  }

  /** Attaches a connection. An older one, which may not know yet that it is lost, closes. */
  attach(connection: AttachedConnection): void {
    this.#attachment.attach(connection);
    connection.attachSession(this);
  }

  /**
   * Attaches the connection of a client that comes back. It awaits nothing, so that the reply is one snapshot; a request of
   * the former connection may still be running, and its outcome follows as events.
   * @returns the current state of the room, for the client
   */
  resume(connection: AttachedConnection): ResumeReply {
    const addressChanged = connection.address !== this.#attachment.lastAddress;
    this.peer.suspendEvents();
    this.attach(connection);
    const { peer, room } = this;
    const consumers = peer.start();
    room.direct?.resumed(peer);
    // These are events, which follow the reply.
    room.broadcast?.remind(peer);
    peer.data.remind();
    setImmediate(() => this.#tokens.refresh());
    return {
      peers: room.visiblePeers(peer),
      consumers,
      unsupportedCodecs: peer.unsupportedCodecs,
      slots: room.slots,
      subscribedLayers: peer.producers.subscribedLayers,
      addressChanged,
      sources: peer.info.sources,
      muted: peer.producers.muted,
      grants: peer.grants,
      transports: peer.transports,
      ...directSnapshotFor(peer, room),
      chat: room.chat.infoFor(peer),
      ...moderationSnapshotFor(peer, room),
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
    if (!this.#joinReplySent || this.#confirmed) return;
    this.#confirmed = true;
    this.peer.setConnected();
  }

  /** Call it when a connection has ended: the session waits for another one, or ends. */
  detach(connection: AttachedConnection, reason: CloseReason): void {
    if (this.#attachment.connection !== connection) return;
    this.peer.flush();
    const end = this.#attachment.detach(reason, this.#confirmed && !this.peer.closed);
    if (end === undefined) this.peer.suspendEvents();
    else this.peer.close(end);
  }

  #setAway(away: boolean): void {
    const { peer, room } = this;
    if (peer.closed) return;
    peer.setAway(away);
    room.awayChanged(peer, away);
  }
}

/** The part of a snapshot that is about direct media. */
export function directSnapshotFor(peer: Peer, { direct }: Room): Pick<ResumeReply, 'directPeers'> {
  return { directPeers: direct?.peersOf(peer) ?? { peers: [], iceServers: [] } };
}

/** The part of a snapshot that is about who is let in. */
export function moderationSnapshotFor(peer: Peer, room: Room): Pick<ResumeReply, 'access' | 'waiting'> {
  const { locked, waitingRoom } = room.settings;
  return { access: { locked, waitingRoom }, ...(peer.grants.roomAdmin && { waiting: room.waitingRoom.list }) };
}

/** The part of a snapshot that is about a broadcast; nothing for a call. */
export function broadcastSnapshotFor(peer: Peer, { broadcast }: Room): Pick<ResumeReply, 'broadcast' | 'hands'> {
  if (!broadcast) return {};
  return { broadcast: broadcast.info, ...(peer.grants.roomAdmin && { hands: broadcast.hands }) };
}
