/** Owns one room: who is in it, what they publish, and that everyone hears of both. It knows no socket. */
import type { Logger } from 'pino';
import type { CloseReason } from '../../shared/closeReasons.ts';
import { WeirError } from '../../shared/errors.ts';
import type { AudioSlotHolders, Grants, GrantsPatch, PeerInfo, RoomKind, ServerEvents } from '../../shared/protocol.ts';
import { normalizeGrants, patchGrants } from '../auth/grants.ts';
import type { Moderation } from '../auth/Moderation.ts';
import { Lifetime } from '../Lifetime.ts';
import type { Placement, RoomRouters } from '../media/RoomRouters.ts';
import { isClosed } from '../media/rethrowUnavailable.ts';
import { roomKey } from '../roomKey.ts';
import { AudioForwarding } from './AudioForwarding.ts';
import { BatchTimer } from './BatchTimer.ts';
import { Broadcast, type BroadcastSnapshot } from './Broadcast.ts';
import { forEachConcurrent } from './forEachConcurrent.ts';
import type { Member } from './Member.ts';
import type { Publication } from './Publication.ts';

/** Delays of a room that are not the usual ones, in milliseconds. */
export interface RoomDelays {
  /** How long there have to be fewer microphones before audio slots end, as `Voices` takes it. */
  readonly hysteresis?: number | undefined;
  /** How long a router is kept that nobody's media comes in at, as `Fabric` takes it. */
  readonly routerLinger?: number | undefined;
  /** How long a consumer is kept paused that nobody watches, as `VideoFeed` takes it. */
  readonly consumerLinger?: number | undefined;
}

export interface RoomOptions {
  readonly name: string;
  readonly kind: RoomKind;
  readonly routers: RoomRouters;
  readonly moderation: Moderation;
  /** What was known of a broadcast of that name when everybody had left. */
  readonly broadcastSnapshot?: BroadcastSnapshot | undefined;
  /** How many others are heard at once where there are many. */
  readonly maxAudibleSpeakers: number;
  readonly delays?: RoomDelays | undefined;
  readonly log: Logger;
}

export class Room {
  /** As `roomKey` makes it. */
  readonly key: string;
  readonly name: string;
  readonly kind: RoomKind;
  readonly routers: RoomRouters;
  readonly delays: RoomDelays;
  /** What makes it a broadcast, where it is one. */
  readonly broadcast: Broadcast | undefined;
  readonly #log: Logger;
  readonly #moderation: Moderation;
  readonly #lifetime = new Lifetime<CloseReason>();
  readonly #members = new Map<string, Member>();
  readonly #publications = new Map<string, Publication>();
  readonly #audio: AudioForwarding;
  /** At which large rooms tell who is there. */
  readonly batchTimer = new BatchTimer(() => this.size);
  /** Identities that are on their way in: the room must not close under them. */
  readonly #seats = new Set<{ identity: string }>();

  constructor({
    name,
    kind,
    routers,
    moderation,
    broadcastSnapshot,
    maxAudibleSpeakers,
    delays = {},
    log,
  }: RoomOptions) {
    this.key = roomKey(kind, name);
    this.name = name;
    this.kind = kind;
    this.routers = routers;
    this.delays = delays;
    this.#log = log;
    this.#moderation = moderation;
    this.#lifetime.defer(() => routers.close());
    this.#lifetime.defer((reason) => this.#closeMembers(reason));
    routers.onEnd((reason) => this.close(reason === 'mediaLost' ? 'mediaLost' : 'roomClosed'));
    this.#audio = new AudioForwarding({
      maxAudibleSpeakers,
      hysteresis: delays.hysteresis,
      routers,
      log,
      members: () => this.#subscribers,
      member: (id) => this.#members.get(id),
      subscribeAll: (publication) => this.#subscribeAll(publication),
      notify: (slots) => this.notifyAll('slots', { slots }),
    });
    this.#lifetime.defer(() => this.#audio.close());
    this.#lifetime.defer(() => this.batchTimer.close());
    const broadcast =
      kind === 'broadcast'
        ? new Broadcast({
            snapshot: broadcastSnapshot,
            members: () => this.#members.values(),
            onLive: (live) => this.#onLive(live),
          })
        : undefined;
    this.broadcast = broadcast;
    this.#lifetime.defer(() => broadcast?.close());
    log.info({ room: this.key }, 'room opened');
  }

  get closed(): boolean {
    return this.#lifetime.closed;
  }

  get size(): number {
    return this.#members.size;
  }

  /** Whose voice each audio slot carries; empty while there are none. */
  get slots(): AudioSlotHolders {
    return this.#audio.slots;
  }

  onEnd(listener: (reason: CloseReason) => void): void {
    this.#lifetime.defer(listener);
  }

  member(id: string): Member | undefined {
    return this.#members.get(id);
  }

  /** The members that `viewer` may know of, without itself; everyone who is not hidden for somebody outside. */
  visiblePeers(viewer?: Member): PeerInfo[] {
    return [...this.#members.values()].filter((member) => member !== viewer && !member.hidden).map(({ info }) => info);
  }

  /**
   * Keeps a place while its owner gets ready to enter; dispose of it afterwards, whatever came of it.
   * @throws {WeirError} `roomFull`, unless `identity` is inside already and would be replaced
   */
  reserve(identity: string, maxPeers: number): Disposable {
    const inside = new Set([...this.#members.values(), ...this.#seats].map((one) => one.identity));
    if (!inside.has(identity) && inside.size >= maxPeers) throw new WeirError('roomFull');
    const seat = { identity };
    this.#seats.add(seat);
    return {
      [Symbol.dispose]: () => {
        this.#seats.delete(seat);
        this.#closeIfEmpty();
      },
    };
  }

  /** A place for somebody with these grants. @throws {WeirError} `unavailable`, `closed` */
  place({ hidden }: Grants): Promise<Placement> {
    // Whoever waits for a broadcast costs nothing yet, and everything at once when it goes live.
    return this.routers.place(this.broadcast?.info.state === 'before' && hidden);
  }

  /**
   * Lets a member in. An older one of the same identity makes way.
   * @returns when it has been offered everything that is published
   * @throws {WeirError} `closed`
   */
  async join(member: Member): Promise<void> {
    if (this.closed) throw new WeirError('closed', 'The room closed.');
    for (const other of this.#members.values()) {
      if (other.identity === member.identity) other.close('replaced');
    }
    this.#members.set(member.id, member);
    member.onEnd((reason) => this.#onMemberClosed(member, reason));
    this.#log.info({ room: this.key, peer: member.id, size: this.size }, 'peer joined');
    this.notifyOthers(member, 'newPeer', member.info);
    this.broadcast?.changed(member);
    await this.subscribeToAll(member);
  }

  /** Offers a member everything that is published. @returns when it has it, or cannot have it */
  async subscribeToAll(member: Member): Promise<void> {
    if (!this.#maySubscribe(member)) return;
    const offered = [...this.#publications.values()].map((publication) => this.#subscribe(publication, member));
    await Promise.all([...offered, this.#logFailure(member, 'slots', this.#audio.subscribe(member))]);
  }

  /** Removes a member, and refuses its identity with the tokens that there are of it. */
  remove(member: Member): void {
    this.#moderation.revoke({ room: this.key, identity: member.identity });
    member.close('kicked');
  }

  /** Changes what a member may do: at once, and for later joins of its identity, see `Moderation`. */
  changeGrants(member: Member, change: GrantsPatch): Grants {
    const grants = normalizeGrants(this.kind, patchGrants(member.grants, change));
    this.#moderation.overrideGrants({ room: this.key, identity: member.identity }, grants);
    this.#applyGrants(member, grants);
    return grants;
  }

  /** A member leaves the stage of its own accord. */
  stepDown(member: Member): Grants {
    const grants = normalizeGrants(this.kind, { ...member.grants, canPublish: false });
    this.#moderation.stepDown({ room: this.key, identity: member.identity });
    this.#applyGrants(member, grants);
    return grants;
  }

  #applyGrants(member: Member, grants: Grants): void {
    const { hidden: before, isAdmin: wasAdmin } = member;
    member.setGrants(grants);
    this.#log.info({ room: this.key, peer: member.id, grants }, 'grants changed');
    if (before && !member.hidden) {
      this.notifyOthers(member, 'newPeer', member.info);
      // Whoever comes onto the stage sees it before the viewers do.
      if (!this.broadcast?.live) void this.subscribeToAll(member);
    } else if (!before && member.hidden) {
      this.#notifyExcept(member.id, 'peerClosed', { peerId: member.id, reason: 'left' });
      if (!this.#maySubscribe(member)) member.unsubscribeAll();
    }
    if (before !== member.hidden || wasAdmin !== member.isAdmin) this.broadcast?.changed(member);
    if (this.broadcast && member.isAdmin && !wasAdmin) member.notify('handsChanged', this.broadcast.hands);
  }

  /** Makes a member's producer known to the others. It waits for none of them. */
  publish(publication: Publication): void {
    const { id, peerId } = publication.track;
    const changed = () => this.#sourcesChanged(peerId);
    this.#publications.set(id, publication);
    publication.onEnd(() => {
      this.#publications.delete(id);
      changed();
    });
    publication.onChange(({ paused }, before) => {
      if (paused !== before.paused) changed();
    });
    changed();
    this.#audio.publish(publication);
    void this.#subscribeAll(publication);
  }

  /** Tells everyone but a member something of it, unless the others do not know of it. */
  notifyOthers<E extends keyof ServerEvents>(member: Member, event: E, data: ServerEvents[E]): void {
    if (!member.hidden && this.#members.has(member.id)) this.#notifyExcept(member.id, event, data);
  }

  /** Tells everyone something. */
  notifyAll<E extends keyof ServerEvents>(event: E, data: ServerEvents[E]): void {
    for (const member of this.#members.values()) member.notify(event, data);
  }

  /** Ends the room and everyone's stay in it. */
  close(reason: CloseReason): void {
    if (this.#lifetime.end(reason)) this.#log.info({ room: this.key, reason }, 'room closed');
  }

  #closeMembers(reason: CloseReason): void {
    for (const member of this.#members.values()) member.close(reason);
  }

  /** Those that are sent what is published. */
  get #subscribers(): Member[] {
    return [...this.#members.values()].filter((member) => this.#maySubscribe(member));
  }

  /** What is prepared on the stage of a broadcast is for those on it. */
  #maySubscribe(member: Member): boolean {
    return !this.broadcast || this.broadcast.live || !member.hidden;
  }

  #onLive(live: boolean): void {
    this.#log.info({ room: this.key, live }, 'broadcast state changed');
    const viewers = [...this.#members.values()].filter(({ hidden }) => hidden);
    // Whoever is not to have it any more when their turn comes is offered nothing.
    if (live) void forEachConcurrent(viewers, (member) => this.subscribeToAll(member));
    else for (const member of viewers) member.unsubscribeAll();
  }

  async #subscribeAll(publication: Publication): Promise<void> {
    await forEachConcurrent(this.#subscribers, (member) => this.#subscribe(publication, member));
  }

  async #subscribe(publication: Publication, member: Member): Promise<void> {
    // When its turn comes, a broadcast may have ended.
    if (!this.#maySubscribe(member) || publication.track.peerId === member.id || this.#audio.usesSlotsFor(publication))
      return;
    await this.#logFailure(member, publication.track.source, member.subscribe(publication));
  }

  /** One member that cannot take something is that member's loss; the others do not wait. Who just left is no news. */
  async #logFailure(member: Member, what: string, taking: Promise<void>): Promise<void> {
    try {
      await taking;
    } catch (error) {
      const ended = isClosed(error) || this.#members.get(member.id) !== member;
      this.#log[ended ? 'debug' : 'warn']({ err: error, room: this.key, peer: member.id, what }, 'subscribe failed');
    }
  }

  #onMemberClosed(member: Member, reason: CloseReason): void {
    this.#members.delete(member.id);
    this.#log.info({ room: this.key, peer: member.id, size: this.size, reason }, 'peer left');
    if (this.closed) return;
    // The server's end is everyone's: each hears of it for themselves, and nobody should see the others go first.
    if (!member.hidden && reason !== 'serverClosing') {
      this.#notifyExcept(member.id, 'peerClosed', { peerId: member.id, reason });
    }
    this.broadcast?.changed(member);
    this.#closeIfEmpty();
  }

  #sourcesChanged(peerId: string): void {
    const member = this.#members.get(peerId);
    if (member) this.notifyOthers(member, 'peerSources', { peerId, sources: member.info.sources });
  }

  #notifyExcept<E extends keyof ServerEvents>(peerId: string, event: E, data: ServerEvents[E]): void {
    for (const member of this.#members.values()) {
      if (member.id !== peerId) member.notify(event, data);
    }
  }

  #closeIfEmpty(): void {
    if (this.#members.size === 0 && this.#seats.size === 0) this.close('roomClosed');
  }
}
