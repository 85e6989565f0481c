/**
 * Those who wait until an administrator lets them into a room. They are not in the room: they have no transports, are sent
 * nothing of what happens there, and nobody but administrators knows of them.
 */
import { randomUUID } from 'node:crypto';
import { WeirError } from '../../../shared/errors.ts';
import { MAX_WAITING, type WaitingPeers } from '../../../shared/moderation.ts';
import type { RoomSettings } from '../../../shared/roomSettings.ts';
import { dropOldest } from '../../auth/dropOldest.ts';
import type { Notifier } from '../Notifier.ts';
import type { Participant } from '../Participant.ts';
import type { RoomEvents } from '../RoomEvents.ts';

/** In milliseconds; tests shorten them. */
export interface WaitingDelays {
  /** How long somebody may wait. */
  readonly timeout: number;
  /** How long the place of somebody is kept whose connection was lost. */
  readonly return: number;
  /** How long somebody who was denied is refused at once. */
  readonly denied: number;
  /** Least time between two notifications of administrators. */
  readonly notify: number;
}

const DELAYS: WaitingDelays = { timeout: 10 * 60_000, return: 30_000, denied: 30_000, notify: 500 };
/** For how long somebody who was let in may come, in milliseconds: their connection may just be lost. */
const ADMITTED = 60_000;
/** How many decisions are kept. */
const MAX_DECISIONS = 1000;

export interface WaitingRoomOptions {
  readonly participants: ReadonlyMap<string, Participant>;
  readonly events: RoomEvents;
  readonly notifier: Pick<Notifier, 'notifyAdmins' | 'notify'>;
  settings(): Pick<RoomSettings, 'locked' | 'waitingRoom'>;
  readonly delays?: Partial<WaitingDelays> | undefined;
  /** Fewer wait than before. */
  onReleased(): void;
}

/** Somebody who waits, while there is a connection. */
export interface Visitor {
  readonly identity: string;
  readonly name: string;
  /** Notifies them that they wait, and whether an administrator is there. */
  notify(state: { readonly attended: boolean }): void;
  /** Whether they may come back, once their signal has been aborted: their connection was lost, they have not left. */
  mayReturn(): boolean;
}

interface Place {
  readonly id: string;
  readonly since: number;
  readonly timer: NodeJS.Timeout;
  visitor: Visitor;
  /** Undefined while the connection is lost. */
  attached: PromiseWithResolvers<void> | undefined;
  returnTimer?: NodeJS.Timeout;
}

export class WaitingRoom {
  readonly #options: WaitingRoomOptions;
  readonly #delays: WaitingDelays;
  /** By identity, in the order in which they came. */
  readonly #places = new Map<string, Place>();
  /** Until when somebody who was let in may enter, and somebody who was denied is refused (`performance.now()`). */
  readonly #admitted = new Map<string, number>();
  readonly #denied = new Map<string, number>();
  readonly #removeListeners: () => void;
  #attended = false;
  #notifiedAt = Number.NEGATIVE_INFINITY;
  #notifyTimer: NodeJS.Timeout | undefined;

  constructor(options: WaitingRoomOptions) {
    this.#options = options;
    this.#delays = { ...DELAYS, ...options.delays };
    this.#removeListeners = options.events.on({
      joined: () => this.#updateAttended(),
      left: ({ participant, reason }) => {
        // Whoever was removed has to be let in again.
        if (reason === 'kicked') this.#admitted.delete(participant.identity);
        this.#updateAttended();
      },
      grantsChanged: ({ participant, before }) => {
        this.#updateAttended();
        if (!participant.grants.roomAdmin || before.roomAdmin) return;
        options.notifier.notify(participant, 'waitingChanged', this.list);
      },
      settingsChanged: () => {
        const { locked, waitingRoom } = options.settings();
        if (!locked && !waitingRoom) this.admit();
      },
      draining: () =>
        this.#end(new WeirError('unavailable', 'The server is about to restart.', { reason: 'draining' })),
      closed: ({ reason }) => {
        // Those who wait go on waiting in the room that takes the place of one whose media was lost.
        if (reason === 'mediaLost') for (const { attached } of this.#places.values()) attached?.resolve();
        const known = reason === 'roomEnded' ? reason : 'roomClosed';
        this.#end(new WeirError('unavailable', 'The room was closed.', { reason: known }));
        this.close();
      },
    });
  }

  /** How many wait. */
  get size(): number {
    return this.#places.size;
  }

  /** Those who wait, for administrators: who came first comes first. */
  get list(): WaitingPeers {
    const now = performance.now();
    const first = [...this.#places.values()].slice(0, MAX_WAITING).map(({ id, since, visitor }) => ({
      id,
      identity: visitor.identity,
      name: visitor.name,
      seconds: Math.round((now - since) / 1000),
    }));
    return { total: this.#places.size, first };
  }

  /** Whether that identity has been let in, and has not come yet or came a short while ago. */
  hasAdmitted(identity: string): boolean {
    return performance.now() < (this.#admitted.get(identity) ?? 0);
  }

  /**
   * Waits until an administrator lets somebody in, or the room lets everybody in: it has to be asked again then. Whoever has
   * lost the connection keeps the place in the order for a while; a newer connection of an identity replaces the older one.
   * @param signal aborted when the connection has ended
   * @throws {WeirError} `forbidden` with the reason `denied`, `timeout` with `notAdmitted`, `roomFull` with `waitingRoomFull`,
   *   `unavailable` when the room or the server ends, `closed`
   */
  async wait(visitor: Visitor, signal: AbortSignal): Promise<void> {
    const { identity } = visitor;
    if (signal.aborted) throw new WeirError('closed');
    const refusedFor = (this.#denied.get(identity) ?? 0) - performance.now();
    if (refusedFor > 0) throw denied(refusedFor);
    const place = this.#places.get(identity) ?? this.#add(visitor);
    place.attached?.reject(
      new WeirError('conflict', 'You wait for this room in another place.', { reason: 'replaced' }),
    );
    clearTimeout(place.returnTimer);
    const attached = Promise.withResolvers<void>();
    place.attached = attached;
    place.visitor = visitor;
    const onAbort = () => this.#connectionLost(place, attached);
    signal.addEventListener('abort', onAbort, { once: true });
    visitor.notify({ attended: this.#attended });
    this.#scheduleNotify();
    await attached.promise.finally(() => signal.removeEventListener('abort', onAbort));
  }

  /** Lets somebody in, or without an id everybody, in their order. @throws {WeirError} `notFound` for an unknown id */
  admit(id?: string): number {
    return this.#decide(id, (place) => {
      this.#remember(this.#admitted, place.visitor.identity, ADMITTED);
      place.attached?.resolve();
    });
  }

  /** Refuses somebody, or without an id everybody. @throws {WeirError} `notFound` for an unknown id */
  deny(id?: string): number {
    return this.#decide(id, (place) => {
      this.#remember(this.#denied, place.visitor.identity, this.#delays.denied);
      place.attached?.reject(denied(this.#delays.denied));
    });
  }

  /** Ends its timers. */
  close(): void {
    this.#removeListeners();
    clearTimeout(this.#notifyTimer);
    this.#end(new WeirError('closed'));
  }

  /** @throws {WeirError} `roomFull` */
  #add(visitor: Visitor): Place {
    if (this.#places.size >= MAX_WAITING) {
      throw new WeirError('roomFull', 'Too many wait to be let in already; try again in a while.', {
        reason: 'waitingRoomFull',
      });
    }
    const message = 'Nobody has let you in; try again later.';
    const timer = setTimeout(() => {
      place.attached?.reject(new WeirError('timeout', message, { reason: 'notAdmitted' }));
      this.#remove(place);
    }, this.#delays.timeout);
    const place: Place = { id: randomUUID(), since: performance.now(), timer, visitor, attached: undefined };
    this.#places.set(visitor.identity, place);
    return place;
  }

  #connectionLost(place: Place, attached: PromiseWithResolvers<void>): void {
    attached.reject(new WeirError('closed'));
    if (place.attached !== attached) return;
    place.attached = undefined;
    if (!place.visitor.mayReturn()) this.#remove(place);
    else place.returnTimer = setTimeout(() => this.#remove(place), this.#delays.return);
  }

  #decide(id: string | undefined, apply: (place: Place) => void): number {
    const chosen = [...this.#places.values()].filter((place) => id === undefined || place.id === id);
    if (id !== undefined && chosen.length === 0) {
      throw new WeirError('notFound', 'Nobody of that id waits to be let in.');
    }
    for (const place of chosen) {
      apply(place);
      this.#remove(place);
    }
    return chosen.length;
  }

  #remember(decisions: Map<string, number>, identity: string, duration: number): void {
    for (const others of [this.#admitted, this.#denied]) others.delete(identity);
    decisions.set(identity, performance.now() + duration);
    dropOldest(decisions, MAX_DECISIONS);
  }

  #remove(place: Place): void {
    clearTimeout(place.timer);
    clearTimeout(place.returnTimer);
    if (!this.#places.delete(place.visitor.identity)) return;
    this.#scheduleNotify();
    this.#options.onReleased();
  }

  #end(error: WeirError): void {
    for (const place of [...this.#places.values()]) {
      place.attached?.reject(error);
      this.#remove(place);
    }
  }

  /** An administrator has come, or the last one has gone: those who wait are told. */
  #updateAttended(): void {
    const attended = [...this.#options.participants.values()].some(({ grants }) => grants.roomAdmin);
    if (attended === this.#attended) return;
    this.#attended = attended;
    for (const { attached, visitor } of this.#places.values()) if (attached) visitor.notify({ attended });
  }

  #scheduleNotify(): void {
    const wait = Math.max(0, this.#notifiedAt + this.#delays.notify - performance.now());
    this.#notifyTimer ??= setTimeout(() => {
      this.#notifyTimer = undefined;
      this.#notifiedAt = performance.now();
      this.#options.events.emit('waitingChanged', { waiting: this.list });
    }, wait);
  }
}

function denied(milliseconds: number): WeirError {
  return new WeirError('forbidden', 'An administrator did not let you in.', {
    reason: 'denied',
    retryAfter: Math.ceil(milliseconds / 1000),
  });
}
