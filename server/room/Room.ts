/** Owns one room: who is in it, what they publish, and that everyone hears of both. It knows no socket. */
import type { Logger } from 'pino';
import type { CloseReason } from '../../shared/closeReasons.ts';
import { WeirError } from '../../shared/errors.ts';
import type { AudioSlotHolders, Grants, GrantsPatch, PeerInfo, RoomKind, ServerEvents } from '../../shared/protocol.ts';
import { normalizeGrants, patchGrants } from '../auth/grants.ts';
import type { Moderation } from '../auth/Moderation.ts';
import { Lifetime } from '../Lifetime.ts';
import type { Placement, RoomRouters } from '../media/RoomRouters.ts';
import { roomKey } from '../roomKey.ts';
import { AudioForwarding } from './AudioForwarding.ts';
import { BatchTimer } from './BatchTimer.ts';
import { Broadcast, type BroadcastSnapshot } from './Broadcast.ts';
import type { EventSink } from './EventSink.ts';
import { forEachConcurrent } from './forEachConcurrent.ts';
import { Notifier } from './Notifier.ts';
import type { Participant } from './Participant.ts';
import type { Publication } from './Publication.ts';
import type { Subscriber } from './Subscriber.ts';
import { Subscribers } from './Subscribers.ts';

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

/** What somebody who joins is beside a participant. */
export interface JoinRoles {
  /** What it receives by; nothing where it only publishes. */
  readonly subscriber?: Subscriber;
  /** What it is told by; nothing where it needs no events. */
  readonly sink?: EventSink;
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
  readonly #participants = new Map<string, Participant>();
  readonly #subscribers: Subscribers;
  readonly #notifier = new Notifier();
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
    this.#log = log.child({ room: this.key });
    this.#moderation = moderation;
    this.#lifetime.defer(() => routers.close());
    this.#lifetime.defer((reason) => this.#closeParticipants(reason));
    routers.onEnd((reason) => this.close(reason === 'mediaLost' ? 'mediaLost' : 'roomClosed'));
    const broadcast =
      kind === 'broadcast'
        ? new Broadcast({
            snapshot: broadcastSnapshot,
            participants: this.#participants,
            notifier: this.#notifier,
            onLive: (live) => this.#onLive(live),
          })
        : undefined;
    this.broadcast = broadcast;
    this.#lifetime.defer(() => broadcast?.close());
    this.#subscribers = new Subscribers({ broadcast, log: this.#log });
    this.#audio = new AudioForwarding({
      maxAudibleSpeakers,
      hysteresis: delays.hysteresis,
      routers,
      log: this.#log,
      subscribers: this.#subscribers,
      subscribeAll: (publication) => this.#subscribeAll(publication),
      notify: (slots) => this.notifyAll('slots', { slots }),
    });
    this.#lifetime.defer(() => this.#audio.close());
    this.#lifetime.defer(() => this.batchTimer.close());
    this.#log.info('room opened');
  }

  get closed(): boolean {
    return this.#lifetime.closed;
  }

  /** How many participants there are; subscribers and event sinks that are none do not count. */
  get size(): number {
    return this.#participants.size;
  }

  /** Whose voice each audio slot carries; empty while there are none. */
  get slots(): AudioSlotHolders {
    return this.#audio.slots;
  }

  onEnd(listener: (reason: CloseReason) => void): void {
    this.#lifetime.defer(listener);
  }

  participant(id: string): Participant | undefined {
    return this.#participants.get(id);
  }

  /** Everyone who is not hidden, without `viewer`. */
  visiblePeers(viewer?: Participant): PeerInfo[] {
    const others = [...this.#participants.values()].filter((participant) => participant !== viewer);
    return others.filter(({ grants }) => !grants.hidden).map(({ info }) => info);
  }

  /**
   * Keeps the room open, and a place in it, for somebody who is about to join; dispose of it afterwards, joined or not.
   * @throws {WeirError} `roomFull`, unless `identity` is inside already and would be replaced
   */
  reserve(identity: string, maxPeers: number): Disposable {
    const inside = new Set([...this.#participants.values(), ...this.#seats].map((one) => one.identity));
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

  /** Selects a router for somebody with these grants. @throws {WeirError} `unavailable`, `closed` */
  place({ hidden }: Grants): Promise<Placement> {
    // Viewers who wait for a broadcast cause no load yet; when it goes live, all of them do at once.
    return this.routers.place(this.broadcast?.info.state === 'before' && hidden);
  }

  /**
   * Lets a participant in, with its other roles, which end when it does. An older one of the same identity is closed.
   * @returns when its subscriber has everything that is published, or cannot have it
   * @throws {WeirError} `closed`
   */
  async join(participant: Participant, { subscriber, sink }: JoinRoles = {}): Promise<void> {
    if (this.closed) throw new WeirError('closed', 'The room closed.');
    for (const other of this.#participants.values()) {
      if (other.identity === participant.identity) other.close('replaced');
    }
    this.#participants.set(participant.id, participant);
    participant.onEnd((reason) => this.#onParticipantClosed(participant, reason));
    if (sink) {
      this.#notifier.add(sink, participant);
      participant.onEnd(() => this.#notifier.remove(sink));
    }
    if (subscriber) {
      this.#subscribers.add(subscriber, participant);
      participant.onEnd(() => this.#subscribers.remove(subscriber));
    }
    const { id: peer, identity } = participant;
    this.#log.info({ peer, identity, size: this.size }, 'peer joined');
    this.notifyOthers(participant, 'newPeer', participant.info);
    this.broadcast?.changed(participant);
    if (subscriber) await this.subscribeToAll(subscriber);
  }

  /**
   * Sends everything that is published to a subscriber that is no participant, such as a recorder: of a broadcast, what
   * viewers are sent. It keeps no room open.
   * @returns ends its subscriptions; unnecessary once the room has closed
   */
  addSubscriber(subscriber: Subscriber): Disposable {
    this.#subscribers.add(subscriber);
    void this.subscribeToAll(subscriber);
    return {
      [Symbol.dispose]: () => {
        this.#subscribers.remove(subscriber);
        subscriber.unsubscribeAll();
      },
    };
  }

  /** Tells a sink that is no participant of everyone who is not hidden. It keeps no room open. @returns ends that */
  addSink(sink: EventSink): Disposable {
    this.#notifier.add(sink);
    return { [Symbol.dispose]: () => this.#notifier.remove(sink) };
  }

  /** Subscribes to everything that is published. @returns when it has it, or cannot have it */
  async subscribeToAll(subscriber: Subscriber): Promise<void> {
    if (!this.#subscribers.isEligible(subscriber)) return;
    const subscribed = [...this.#publications.values()].map((publication) => this.#subscribe(subscriber, publication));
    const slots = this.#subscribers.logFailure(subscriber, 'slots', this.#audio.subscribe(subscriber));
    await Promise.all([...subscribed, slots]);
  }

  /** Removes a participant, and refuses its identity with tokens made before now. */
  remove(participant: Participant): void {
    this.#moderation.revoke({ room: this.key, identity: participant.identity });
    participant.close('kicked');
  }

  /** Changes what a participant may do: at once, and for later joins of its identity, see `Moderation`. */
  changeGrants(participant: Participant, change: GrantsPatch): Grants {
    const grants = normalizeGrants(this.kind, patchGrants(participant.grants, change));
    this.#moderation.overrideGrants({ room: this.key, identity: participant.identity }, grants);
    this.#applyGrants(participant, grants);
    return grants;
  }

  /** A participant leaves the stage of its own accord. */
  stepDown(participant: Participant): Grants {
    const grants = normalizeGrants(this.kind, { ...participant.grants, canPublish: false });
    this.#moderation.stepDown({ room: this.key, identity: participant.identity });
    this.#applyGrants(participant, grants);
    return grants;
  }

  #applyGrants(participant: Participant, grants: Grants): void {
    const before = participant.grants;
    participant.setGrants(grants);
    const { id: peer, identity } = participant;
    this.#log.info({ peer, identity, grants }, 'grants changed');
    const subscriber = this.#subscribers.subscriberOf(participant.id);
    if (before.hidden && !grants.hidden) {
      this.notifyOthers(participant, 'newPeer', participant.info);
      // Whoever comes onto the stage is sent what is on it before the broadcast is live.
      if (subscriber && !this.broadcast?.live) void this.subscribeToAll(subscriber);
    } else if (!before.hidden && grants.hidden) {
      this.#notifier.notifyOthers(participant, 'peerClosed', { peerId: participant.id, reason: 'left' });
      if (subscriber && !this.#subscribers.isEligible(subscriber)) subscriber.unsubscribeAll();
    }
    if (before.hidden !== grants.hidden || before.roomAdmin !== grants.roomAdmin) this.broadcast?.changed(participant);
    if (this.broadcast && grants.roomAdmin && !before.roomAdmin) {
      this.#notifier.notify(participant, 'handsChanged', this.broadcast.hands);
    }
  }

  /** Makes a participant's producer known to the others; does not wait until they receive it. */
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

  /** Notifies everyone but a participant of something that it did, unless the others do not know of it. */
  notifyOthers<E extends keyof ServerEvents>(participant: Participant, event: E, data: ServerEvents[E]): void {
    if (participant.grants.hidden || !this.#participants.has(participant.id)) return;
    this.#notifier.notifyOthers(participant, event, data);
  }

  notifyAll<E extends keyof ServerEvents>(event: E, data: ServerEvents[E]): void {
    this.#notifier.notifyAll(event, data);
  }

  /** Ends the room, and everyone's stay in it; idempotent. */
  close(reason: CloseReason): void {
    if (this.#lifetime.end(reason)) this.#log.info({ reason }, 'room closed');
  }

  #closeParticipants(reason: CloseReason): void {
    for (const participant of this.#participants.values()) participant.close(reason);
  }

  #onLive(live: boolean): void {
    this.#log.info({ live }, 'broadcast state changed');
    const { viewers } = this.#subscribers;
    if (live) void forEachConcurrent(viewers, (subscriber) => this.subscribeToAll(subscriber));
    else for (const subscriber of viewers) subscriber.unsubscribeAll();
  }

  async #subscribeAll(publication: Publication): Promise<void> {
    await this.#subscribers.subscribeAll(publication, () => !this.#audio.usesSlotsFor(publication));
  }

  async #subscribe(subscriber: Subscriber, publication: Publication): Promise<void> {
    if (!this.#audio.usesSlotsFor(publication)) await this.#subscribers.subscribe(subscriber, publication);
  }

  #onParticipantClosed(participant: Participant, reason: CloseReason): void {
    const { id: peer, identity } = participant;
    this.#participants.delete(peer);
    this.#log.info({ peer, identity, size: this.size, reason }, 'peer left');
    if (this.closed) return;
    // When the server closes, each client is told so by its own connection: nobody should see the others leave first.
    if (!participant.grants.hidden && reason !== 'serverClosing') {
      this.#notifier.notifyOthers(participant, 'peerClosed', { peerId: peer, reason });
    }
    this.broadcast?.changed(participant);
    this.#closeIfEmpty();
  }

  #sourcesChanged(peerId: string): void {
    const participant = this.#participants.get(peerId);
    if (participant) this.notifyOthers(participant, 'peerSources', { peerId, sources: participant.info.sources });
  }

  #closeIfEmpty(): void {
    if (this.#participants.size === 0 && this.#seats.size === 0) this.close('roomClosed');
  }
}
