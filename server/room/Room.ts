/** One room: who is in it, what they may do, and what they publish. It knows no socket. */
import { randomUUID } from 'node:crypto';
import { isDeepStrictEqual } from 'node:util';
import type { CloseReason } from '../../shared/closeReasons.ts';
import { WeirError } from '../../shared/errors.ts';
import type {
  AudioSlotHolders,
  Grants,
  GrantsPatch,
  JoinReport,
  PeerInfo,
  RoomKind,
  RoomPolicy,
  ServerEvents,
  VideoProblem,
} from '../../shared/protocol.ts';
import {
  DEFAULT_ROOM_SETTINGS,
  patchSettings,
  type RoomSettings,
  type RoomSettingsPatch,
} from '../../shared/roomSettings.ts';
import { normalizeGrants, patchGrants } from '../auth/grants.ts';
import type { Moderation } from '../auth/Moderation.ts';
import { Lifetime } from '../common/Lifetime.ts';
import { roomKey } from '../common/roomKey.ts';
import type { Placement, RoomRouters } from '../media/RoomRouters.ts';
import { AudioForwarding } from './AudioForwarding.ts';
import { BatchTimer } from './BatchTimer.ts';
import { Broadcast } from './Broadcast.ts';
import { Chat } from './Chat.ts';
import { DirectMedia } from './DirectMedia.ts';
import { DataForwarding, type ServerData } from './data/DataForwarding.ts';
import { EmptyTimer } from './EmptyTimer.ts';
import type { EventSink } from './EventSink.ts';
import type { UplinkReport } from './LinkQuality.ts';
import { SourceModeration } from './moderation/SourceModeration.ts';
import { WaitingRoom } from './moderation/WaitingRoom.ts';
import { Notifier } from './Notifier.ts';
import type { InfoChange, JoinRoles, Participant } from './Participant.ts';
import type { Publication } from './Publication.ts';
import type { RoomDelays } from './RoomDelays.ts';
import { type RoomEventSource, RoomEvents } from './RoomEvents.ts';
import type { RoomContinuation, RoomOptions, RoomSnapshot } from './RoomOptions.ts';
import { logRoomEvents } from './roomLog.ts';
import { type SeatRequest, Seats } from './Seats.ts';
import type { Subscriber } from './Subscriber.ts';
import { Subscribers } from './Subscribers.ts';
import { SubscriptionControl } from './SubscriptionControl.ts';
import { TrackForwarding } from './TrackForwarding.ts';

export class Room {
  /** Unique to this opening of the room. */
  readonly id = randomUUID();
  readonly openedAt = new Date();
  /** As `roomKey` makes it. */
  readonly key: string;
  readonly name: string;
  readonly kind: RoomKind;
  readonly policy: RoomPolicy;
  readonly routers: RoomRouters;
  readonly delays: RoomDelays;
  /** For features that react to what happens in the room. */
  readonly events: RoomEventSource;
  /** Undefined in a call. */
  readonly broadcast: Broadcast | undefined;
  readonly chat: Chat;
  /** Undefined where all media goes through the server. */
  readonly direct: DirectMedia | undefined;
  /** Decides for participants what they receive. */
  readonly subscriptionControl: SubscriptionControl;
  /** Paces the presence and chat events of a large room. */
  readonly batchTimer = new BatchTimer(() => this.size);
  readonly #events: RoomEvents;
  readonly #moderation: Moderation;
  readonly #lifetime = new Lifetime<CloseReason>();
  readonly #participants = new Map<string, Participant>();
  readonly #joinedAt = new WeakMap<Participant, Date>();
  readonly #seats: Seats;
  readonly #emptyTimer: EmptyTimer;
  /** Mutes and stops what participants publish, for administrators. */
  readonly sourceModeration = new SourceModeration(this.#participants);
  /** Those who wait to be let in. They keep the room open. */
  readonly waitingRoom: WaitingRoom;
  readonly #notifier: Notifier;
  readonly #subscribers: Subscribers;
  readonly #audio: AudioForwarding;
  readonly #data = new DataForwarding();
  readonly #tracks: TrackForwarding;
  #settings: RoomSettings;
  #closeReason: CloseReason | undefined;
  #continuation: RoomContinuation | undefined;

  constructor(options: RoomOptions) {
    const { name, kind, policy = 'sfu', routers, moderation, snapshot, maxAudibleSpeakers, delays = {} } = options;
    const { settings = DEFAULT_ROOM_SETTINGS, returning = [] } = options;
    this.key = roomKey(kind, name);
    this.name = name;
    this.kind = kind;
    this.policy = policy;
    this.routers = routers;
    this.#lifetime.defer(() => routers.close());
    this.delays = delays;
    this.#moderation = moderation;
    this.#lifetime.defer(() => this.batchTimer.close());

    const log = options.log.child({ room: this.key });
    const events = new RoomEvents(log);
    this.events = events;
    this.#events = events;
    const notifier = new Notifier(events);
    this.#notifier = notifier;
    const participants = this.#participants;
    this.#settings = settings;
    const emptyTimer = new EmptyTimer({
      isEmpty: () => participants.size === 0 && this.#seats.size === 0 && this.waitingRoom.size === 0,
      settings: () => this.#settings,
      onExpired: () => this.close('roomClosed'),
    });
    this.#emptyTimer = emptyTimer;
    this.#lifetime.defer(() => emptyTimer.close());
    const waitingRoom = new WaitingRoom({
      ...{ participants, events, notifier },
      settings: () => this.#settings,
      delays: delays.waiting,
      onReleased: () => emptyTimer.update(),
    });
    this.waitingRoom = waitingRoom;
    this.#seats = new Seats({
      participants,
      settings: () => this.#settings,
      returning,
      isAdmitted: (identity) => waitingRoom.hasAdmitted(identity),
      onReleased: () => emptyTimer.update(),
    });
    const { hysteresis, broadcastNotify: notifyInterval } = delays;
    const broadcast =
      kind === 'broadcast'
        ? new Broadcast({ events, participants, notifier, snapshot: snapshot?.broadcast, notifyInterval })
        : undefined;
    this.broadcast = broadcast;
    this.chat = new Chat({
      kind,
      settings: options.chat,
      events,
      participants,
      snapshot: broadcast?.live ? snapshot?.chat : undefined,
      rateLimit: delays.chatRateLimit,
    });
    const subscribers = new Subscribers({ events, broadcast, log });
    this.#subscribers = subscribers;
    const audio = new AudioForwarding({ events, subscribers, routers, maxAudibleSpeakers, hysteresis, log });
    this.#audio = audio;
    this.#lifetime.defer(() => audio.close());
    this.subscriptionControl = new SubscriptionControl({
      subscribers,
      audio,
      isDirect: (id, otherId) => this.direct?.connects(id, otherId) ?? false,
    });
    this.#tracks = new TrackForwarding({ events, subscribers, audio, broadcast });
    this.direct =
      policy === 'sfu'
        ? undefined
        : new DirectMedia({
            policy,
            events,
            participants,
            subscribers,
            notifier,
            iceServersFor: (identity) => options.iceServersFor?.(identity) ?? [],
            returnDelay: delays.directReturn,
            retryDelay: delays.directRetry,
            log,
          });
    this.#lifetime.defer(() => this.direct?.close());
    logRoomEvents(events, log, participants);
    log.info('room opened');
    routers.onEnd((reason) => this.close(reason === 'mediaLost' ? 'mediaLost' : 'roomClosed'));
    // Without that time it is open for a seat that is about to be taken.
    if (settings.emptyTimeout > 0) emptyTimer.update();
  }

  get closed(): boolean {
    return this.#closeReason !== undefined;
  }

  /** What is restored when somebody comes back after everybody has left; undefined for a call. */
  get snapshot(): RoomSnapshot | undefined {
    const broadcast = this.broadcast?.snapshot;
    return broadcast && { broadcast, chat: broadcast.live ? this.chat.snapshot : undefined };
  }

  get settings(): RoomSettings {
    return this.#settings;
  }

  /** Undefined unless its media was lost. */
  get continuation(): RoomContinuation | undefined {
    return this.#continuation;
  }

  /** Everybody in the room, also those who are hidden. */
  get participants(): Participant[] {
    return [...this.#participants.values()];
  }

  /** How many participants there are; subscribers and event sinks that are none do not count. */
  get size(): number {
    return this.#participants.size;
  }

  /** Whose speech each audio slot carries; empty while there are none. */
  get slots(): AudioSlotHolders {
    return this.#audio.slots;
  }

  /** Everything that is published now. */
  get publications(): Publication[] {
    return this.#tracks.publications;
  }

  /** Runs `listener` once the room has closed, or at once if it has. */
  onEnd(listener: (reason: CloseReason) => void): void {
    this.#lifetime.defer(listener);
  }

  participant(id: string): Participant | undefined {
    return this.#participants.get(id);
  }

  /** How good the uplinks of these participants are, as far as they are here and can be seen. */
  async getUplinkReports(ids: readonly string[]): Promise<(UplinkReport & { readonly peerId: string })[]> {
    const reports = [...new Set(ids)].map(async (peerId) => {
      const participant = this.participant(peerId);
      if (!participant || participant.grants.hidden) return [];
      // One whose worker has failed meanwhile is about to leave.
      const report = await participant.getUplinkReport?.().catch(() => undefined);
      return report ? [{ peerId, ...report }] : [];
    });
    return (await Promise.all(reports)).flat();
  }

  /** Everyone who is not hidden, without `viewer`. */
  visiblePeers(viewer?: Participant): PeerInfo[] {
    const others = [...this.#participants.values()].filter((participant) => participant !== viewer);
    return others.filter(({ grants }) => !grants.hidden).map(({ info }) => info);
  }

  /**
   * Changes settings of the room. Nobody has to leave: a lock and a limit are for those who join from now on.
   * @returns all of them
   */
  updateSettings(patch: RoomSettingsPatch): RoomSettings {
    const before = this.#settings;
    const settings = patchSettings(before, patch);
    if (this.closed || isDeepStrictEqual(settings, before)) return before;
    this.#settings = settings;
    this.#events.emit('settingsChanged', { settings, before });
    if (settings.emptyTimeout !== before.emptyTimeout || settings.departureTimeout !== before.departureTimeout) {
      this.#emptyTimer.restart();
    }
    return settings;
  }

  /**
   * Keeps the room open, and a place in it, for somebody who is about to join; dispose of it afterwards, joined or not.
   * @throws {WeirError} `roomFull`; `forbidden` with the reason `locked`. Whoever is inside already would be replaced
   */
  reserve(request: SeatRequest): Disposable {
    return this.#seats.reserve(request);
  }

  /** Selects a router for somebody with these grants. @throws {WeirError} `unavailable`, `closed` */
  place({ hidden }: Grants): Promise<Placement> {
    // Viewers who wait for a broadcast cause no load yet; when it goes live, all of them do at once.
    return this.routers.place(this.broadcast?.info.state === 'before' && hidden);
  }

  /**
   * Lets a participant in, with its other roles. An older participant of the same identity is closed.
   * @returns when its subscriber has everything that is published, or cannot have it
   * @throws {WeirError} `closed`
   */
  async join(participant: Participant, { subscriber, sink, data }: JoinRoles = {}): Promise<void> {
    if (this.closed) throw new WeirError('closed', 'The room closed.');
    for (const other of this.#participants.values()) {
      if (other.identity === participant.identity) other.close('replaced');
    }
    this.#participants.set(participant.id, participant);
    this.#joinedAt.set(participant, new Date());
    this.#emptyTimer.onJoined();
    if (sink) participant.onEnd(this.#notifier.add(sink, participant));
    if (subscriber) participant.onEnd(this.#subscribers.add(subscriber, participant));
    if (data) participant.onEnd(this.#data.add(participant, data));
    this.#events.emit('joined', { participant });
    // One that has closed before it could join has joined and left.
    participant.onEnd((reason) => this.#onParticipantClosed(participant, reason));
    if (subscriber) await this.subscribeToAll(subscriber);
  }

  /**
   * Sends everything that is published to a subscriber that is no participant, such as a recorder: of a broadcast, what
   * viewers are sent. It keeps no room open.
   * @returns ends its subscriptions; unnecessary once the room has closed
   */
  addSubscriber(subscriber: Subscriber): Disposable {
    const remove = this.#subscribers.add(subscriber);
    this.#subscribersChanged();
    void this.subscribeToAll(subscriber);
    return {
      [Symbol.dispose]: () => {
        remove();
        subscriber.unsubscribeAll();
        this.#subscribersChanged();
      },
    };
  }

  /** Notifies a sink that is no participant of everyone who is not hidden. It keeps no room open. @returns ends that */
  addSink(sink: EventSink): Disposable {
    return { [Symbol.dispose]: this.#notifier.add(sink) };
  }

  /** Subscribes to everything that is published. @returns when it has it, or cannot have it */
  subscribeToAll(subscriber: Subscriber): Promise<void> {
    return this.#tracks.subscribeToAll(subscriber);
  }

  /** Makes a participant's track known to the others; does not wait until they receive it. */
  publish(publication: Publication): void {
    if (publication.closed) return;
    const changed = () => {
      const participant = this.#participants.get(publication.track.peerId);
      if (participant) this.#events.emit('sourcesChanged', { participant });
    };
    publication.onEnd(() => {
      changed();
      this.#events.emit('unpublished', { publication });
    });
    publication.onChange(({ paused }, before) => {
      if (paused !== before.paused) changed();
    });
    changed();
    this.#events.emit('published', { publication });
  }

  /** Since when somebody is in the room; undefined for one that is not. */
  joinedAt(participant: Participant): Date | undefined {
    return this.#joinedAt.get(participant);
  }

  /** Gives a participant another name, or other metadata. @throws {WeirError} `unsupported` if others see neither of it */
  setInfo(participant: Participant, change: InfoChange): void {
    if (!participant.setInfo) throw new WeirError('unsupported', 'This participant has no name or metadata to change.');
    if (!this.#has(participant)) return;
    participant.setInfo(change);
    this.#events.emit('infoChanged', { participant });
  }

  /**
   * Sends a data message of the server.
   * @returns to how many
   * @throws {WeirError} `badRequest` if it exceeds a limit
   */
  sendData(data: ServerData): number {
    return this.#data.send(data);
  }

  /** Removes a participant, and refuses its identity with tokens made before now. @param by who does it, if in the room */
  remove(participant: Participant, by?: Participant): void {
    this.#moderation.revoke({ room: this.key, identity: participant.identity });
    participant.close('kicked', by?.info.name);
  }

  /** Ends the room for everyone, and a broadcast with it. @param by who does it, if in the room */
  end(by?: Participant): void {
    this.broadcast?.set({ live: false });
    this.close('roomEnded', by?.info.name);
  }

  /** Changes what a participant may do: at once, and for later joins of its identity, see `Moderation`. */
  changeGrants(participant: Participant, change: GrantsPatch, by?: Participant): Grants {
    const grants = normalizeGrants(this.kind, patchGrants(participant.grants, change));
    this.#moderation.overrideGrants({ room: this.key, identity: participant.identity }, grants);
    this.#applyGrants(participant, grants, by?.info.name);
    return grants;
  }

  /** A participant leaves the stage of its own accord. */
  stepDown(participant: Participant): Grants {
    const grants = normalizeGrants(this.kind, { ...participant.grants, canPublish: false });
    this.#moderation.stepDown({ room: this.key, identity: participant.identity });
    this.#applyGrants(participant, grants);
    return grants;
  }

  /** A participant reports that it has raised its hand, or lowered it. */
  handChanged(participant: Participant, raised: boolean): void {
    if (this.#has(participant)) this.#events.emit('handChanged', { participant, raised });
  }

  /** A participant reports that it has lost its connection, or has one again. */
  awayChanged(participant: Participant, away: boolean): void {
    if (this.#has(participant)) this.#events.emit('awayChanged', { participant, away });
  }

  /** Others do not see the video of a participant as they should. */
  videoProblemFound(participant: Participant, problem: VideoProblem): void {
    if (this.#has(participant)) this.#events.emit('videoProblem', { participant, problem });
  }

  /** A participant's client reports how its join went. */
  joinReported(participant: Participant, report: JoinReport): void {
    if (this.#has(participant)) this.#events.emit('joinReported', { participant, report });
  }

  /** A participant sends a reaction to the others. */
  react(participant: Participant, reaction: ServerEvents['reaction']['reaction']): void {
    if (this.#has(participant)) this.#events.emit('reaction', { participant, reaction });
  }

  /** Sends an event of the client protocol to everybody in the room. */
  notifyAll<E extends keyof ServerEvents>(event: E, data: ServerEvents[E]): void {
    this.#notifier.notifyAll(event, data);
  }

  /** Announces that the server stops in so many seconds. */
  drain(seconds: number): void {
    this.#events.emit('draining', { seconds });
    this.#emptyTimer.endAtOnce();
  }

  /** Closes the room and everybody in it; idempotent. @param by the name of the administrator who does it */
  close(reason: CloseReason, by?: string): void {
    if (this.closed) return;
    this.#closeReason = reason;
    if (reason === 'mediaLost') {
      this.#continuation = { settings: this.#settings, identities: this.#seats.identities };
    }
    // Each participant is notified of its own end: nobody should see the others leave first.
    this.#notifier.clear();
    this.#subscribers.clear();
    this.broadcast?.close();
    try {
      for (const participant of this.#participants.values()) participant.close(reason, by);
    } finally {
      this.#lifetime.end(reason);
      this.#events.emit('closed', { reason });
    }
  }

  #subscribersChanged(): void {
    if (!this.closed) this.#events.emit('subscribersChanged', { others: this.#subscribers.others });
  }

  #has(participant: Participant): boolean {
    return this.#participants.get(participant.id) === participant;
  }

  #applyGrants(participant: Participant, grants: Grants, by?: string): void {
    const before = participant.grants;
    participant.setGrants(grants, by);
    this.#events.emit('grantsChanged', { participant, before });
  }

  #onParticipantClosed(participant: Participant, reason: CloseReason): void {
    this.#participants.delete(participant.id);
    this.#seats.onLeft(participant.identity, reason);
    this.#events.emit('left', { participant, reason });
    this.#emptyTimer.update();
  }
}
