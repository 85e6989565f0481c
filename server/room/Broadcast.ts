/** What makes a room a broadcast: whether it is live, how many viewers it has, and who of them wants onto the stage. */
import { WeirError } from '../../shared/errors.ts';
import { type BroadcastInfo, type BroadcastProfile, MAX_HANDS, type RaisedHands } from '../../shared/protocol.ts';
import type { Notifier } from './Notifier.ts';
import type { Participant } from './Participant.ts';
import type { RoomEventMap, RoomEvents } from './RoomEvents.ts';

export interface BroadcastOptions {
  /** Its state when everybody had left. */
  readonly snapshot?: BroadcastSnapshot | undefined;
  readonly events: RoomEvents;
  /** Those in the room, by id. */
  readonly participants: ReadonlyMap<string, Participant>;
  readonly notifier: Notifier;
  /** Least time between two notifications of the number of viewers or of hands, in milliseconds. */
  readonly notifyInterval?: number | undefined;
}

/** State of a broadcast that everybody has left. Times are those of `performance.now()`, in milliseconds. */
export interface BroadcastSnapshot {
  readonly live: boolean;
  readonly profile: BroadcastProfile;
  readonly since: number;
  /** When it ended, or when everybody had left. */
  readonly until: number;
}

interface Hand {
  readonly participant: Participant;
  readonly invitedBy?: Participant | undefined;
}

/** Default of `notifyInterval`. */
const NOTIFY_INTERVAL = 1000;
/**
 * After this time with an empty stage a live broadcast ends, in milliseconds: long enough for a speaker to come back.
 */
const EMPTY_STAGE_TIMEOUT = 5 * 60_000;
/** After this time without an administrator a live broadcast ends, in milliseconds, since nobody is there to run it. */
const UNATTENDED_TIMEOUT = 15 * 60_000;

export class Broadcast {
  readonly #options: BroadcastOptions;
  /** Raised hands of viewers by participant id, in the order in which they were raised. */
  readonly #hands = new Map<string, Hand>();
  #state: BroadcastInfo['state'] = 'before';
  #profile: BroadcastProfile = 'lowLatency';
  /** When it went live, and when it ended (`performance.now()`). */
  #since = 0;
  #until = 0;
  #viewerCount = 0;
  #speakerCount = 0;
  #hasAdmin = false;
  #notifiedAt = Number.NEGATIVE_INFINITY;
  #notifyTimer: NodeJS.Timeout | undefined;
  #pendingChanges = { info: false, hands: false };
  #emptyStageTimer: NodeJS.Timeout | undefined;
  #unattendedTimer: NodeJS.Timeout | undefined;
  readonly #removeListeners: () => void;

  constructor(options: BroadcastOptions) {
    this.#options = options;
    this.#removeListeners = options.events.on({
      joined: () => this.#onPeopleChanged(),
      left: ({ participant }) => {
        this.#removeHand(participant.id);
        this.#onPeopleChanged();
      },
      grantsChanged: (change) => this.#onGrantsChanged(change),
      handChanged: ({ participant, raised }) => {
        if (participant.grants.hidden) this.#setHand(participant, raised);
      },
    });
    if (options.snapshot) this.#restore(options.snapshot);
  }

  get live(): boolean {
    return this.#state === 'live';
  }

  get info(): BroadcastInfo {
    const until = this.live ? performance.now() : this.#until;
    return {
      state: this.#state,
      liveSeconds: Math.max(0, until - this.#since) / 1000,
      viewers: this.#viewerCount,
      profile: this.#profile,
      ...(this.#unattended && { unattended: true }),
    };
  }

  /** Whether a participant may end it: an administrator, or while there is none, anybody on the stage. */
  mayEnd({ grants }: Pick<Participant, 'grants'>): boolean {
    return grants.roomAdmin || (this.#unattended && !grants.hidden);
  }

  /** What is restored when somebody comes back after everybody has left; undefined if it never was live. */
  get snapshot(): BroadcastSnapshot | undefined {
    if (this.#state === 'before') return undefined;
    const { live } = this;
    return { live, profile: this.#profile, since: this.#since, until: live ? performance.now() : this.#until };
  }

  get hands(): RaisedHands {
    const first = [...this.#hands.values()].slice(0, MAX_HANDS).map(({ participant, invitedBy }) => ({
      peerId: participant.id,
      identity: participant.identity,
      name: participant.info.name,
      invited: invitedBy !== undefined,
    }));
    return { total: this.#hands.size, first };
  }

  /** Goes live, ends, or changes how its viewers buffer it. */
  set({ live, profile }: { live?: boolean | undefined; profile?: BroadcastProfile | undefined }): void {
    if (profile !== undefined) this.#profile = profile;
    if (live !== undefined && live !== this.live) {
      if (live) this.#since = performance.now();
      else this.#until = performance.now();
      this.#state = live ? 'live' : 'ended';
      this.#updateTimers();
      this.#options.events.emit('liveChanged', { live });
    }
    this.#pendingChanges.info = true;
    this.#notifyAll();
  }

  /** Invites a viewer onto the stage. @throws {WeirError} `notFound` if it has not raised its hand */
  invite(peerId: string, by: Participant): void {
    const hand = this.#hands.get(peerId);
    if (!hand) throw new WeirError('notFound', 'No viewer of that id has raised a hand.');
    this.#hands.set(peerId, { ...hand, invitedBy: by });
    this.#options.notifier.notify(hand.participant, 'invited', { by: by.info.name });
    this.#pendingChanges.hands = true;
    this.#scheduleNotify();
  }

  /**
   * Notifies a viewer again of an invitation that it has not answered: it may have had no connection the first time.
   */
  remind(participant: Participant): void {
    const { invitedBy } = this.#hands.get(participant.id) ?? {};
    if (invitedBy) this.#options.notifier.notify(participant, 'invited', { by: invitedBy.info.name });
  }

  /** A viewer accepts or declines its invitation. @throws {WeirError} `notFound` if there is none */
  answer(participant: Participant, accepted: boolean): void {
    const { id: peerId, info } = participant;
    if (!this.#hands.get(peerId)?.invitedBy) throw new WeirError('notFound', 'Nobody has invited you.');
    this.#removeHand(peerId);
    this.#options.notifier.notifyAdmins('inviteAnswered', { peerId, name: info.name, accepted });
    this.#scheduleNotify();
  }

  close(): void {
    this.#removeListeners();
    clearTimeout(this.#notifyTimer);
    clearTimeout(this.#emptyStageTimer);
    clearTimeout(this.#unattendedTimer);
    this.#hands.clear();
  }

  /** A broadcast that was live goes on when somebody is back in time; otherwise it has ended when everybody left. */
  #restore({ live, profile, since, until }: BroadcastSnapshot): void {
    this.#state = live && performance.now() - until < EMPTY_STAGE_TIMEOUT ? 'live' : 'ended';
    this.#profile = profile;
    this.#since = since;
    this.#until = until;
    this.#updateTimers();
  }

  #onGrantsChanged({ participant, before }: RoomEventMap['grantsChanged']): void {
    const { hidden, roomAdmin } = participant.grants;
    if (hidden !== before.hidden || roomAdmin !== before.roomAdmin) {
      if (!hidden) this.#removeHand(participant.id);
      this.#onPeopleChanged();
    }
    if (roomAdmin && !before.roomAdmin) this.#options.notifier.notify(participant, 'handsChanged', this.hands);
  }

  /**
   * Somebody joined, left, changed sides between stage and audience, or became an administrator or ceased to be one.
   */
  #onPeopleChanged(): void {
    const grants = [...this.#options.participants.values()].map((participant) => participant.grants);
    this.#viewerCount = grants.filter(({ hidden }) => hidden).length;
    this.#speakerCount = grants.length - this.#viewerCount;
    this.#hasAdmin = grants.some(({ roomAdmin }) => roomAdmin);
    this.#updateTimers();
    this.#pendingChanges.info = true;
    this.#scheduleNotify();
  }

  #setHand(participant: Participant, raised: boolean): void {
    if (!raised) this.#removeHand(participant.id);
    else if (!this.#hands.has(participant.id)) this.#hands.set(participant.id, { participant });
    this.#pendingChanges.hands = true;
    this.#scheduleNotify();
  }

  get #unattended(): boolean {
    return this.live && !this.#hasAdmin;
  }

  #removeHand(id: string): void {
    if (this.#hands.delete(id)) this.#pendingChanges.hands = true;
  }

  #updateTimers(): void {
    if (this.live && this.#speakerCount === 0)
      this.#emptyStageTimer ??= setTimeout(() => this.set({ live: false }), EMPTY_STAGE_TIMEOUT);
    else {
      clearTimeout(this.#emptyStageTimer);
      this.#emptyStageTimer = undefined;
    }
    if (this.#unattended) this.#unattendedTimer ??= setTimeout(() => this.set({ live: false }), UNATTENDED_TIMEOUT);
    else {
      clearTimeout(this.#unattendedTimer);
      this.#unattendedTimer = undefined;
    }
  }

  /** `notifyInterval` after the last notification, or at the end of this turn: many who join at once are one notification. */
  #scheduleNotify(): void {
    const { notifyInterval = NOTIFY_INTERVAL } = this.#options;
    const wait = Math.max(0, this.#notifiedAt + notifyInterval - performance.now());
    this.#notifyTimer ??= setTimeout(() => this.#notifyAll(), wait);
  }

  #notifyAll(): void {
    clearTimeout(this.#notifyTimer);
    this.#notifyTimer = undefined;
    this.#notifiedAt = performance.now();
    const changes = this.#pendingChanges;
    this.#pendingChanges = { info: false, hands: false };
    const { events } = this.#options;
    if (changes.info) events.emit('broadcastChanged', { broadcast: this.info });
    if (changes.hands) events.emit('handsChanged', { hands: this.hands });
  }
}
