/** The rooms of this server: opened on demand, and removed when they close. */
import { once } from 'node:events';
import type { Logger } from 'pino';
import { WeirError } from '../../shared/errors.ts';
import type { IceServer } from '../../shared/media.ts';
import type { RoomKind, RoomPolicy } from '../../shared/protocol.ts';
import { DEFAULT_ROOM_SETTINGS, patchSettings, type RoomSettingsPatch } from '../../shared/roomSettings.ts';
import { dropOldest } from '../auth/dropOldest.ts';
import type { Moderation } from '../auth/Moderation.ts';
import { roomKey } from '../common/roomKey.ts';
import { RoomRouters } from '../media/RoomRouters.ts';
import type { WorkerPool } from '../media/WorkerPool.ts';
import { AdmissionQueue } from './AdmissionQueue.ts';
import type { ChatSettings } from './Chat.ts';
import { JoinRefusals } from './JoinRefusals.ts';
import { EndedRooms } from './moderation/EndedRooms.ts';
import type { Visitor } from './moderation/WaitingRoom.ts';
import { Room } from './Room.ts';
import type { RoomDelays } from './RoomDelays.ts';
import type { RoomContinuation, RoomSnapshot } from './RoomOptions.ts';

/** A place in a room, which stays open as long as the place is held. */
export interface Seat extends Disposable {
  readonly room: Room;
  /** Lets the next one of the queue in, and keeps the place: for whoever is not in the room yet, but will be soon. */
  leaveQueue(): void;
}

export interface RoomManagerOptions {
  readonly pool: WorkerPool;
  readonly moderation: Moderation;
  /** How many participants a room may have, by its kind. */
  readonly maxPeers: Readonly<Record<RoomKind, number>>;
  readonly chat: ChatSettings;
  /** How many others one hears at once with audio slots. */
  readonly maxAudibleSpeakers: number;
  /** How many joins may be under way at once, how many may wait, and how long, in milliseconds. */
  readonly joinQueue: { readonly concurrency: number; readonly length: number; readonly timeout: number };
  /** STUN and TURN servers for an identity, with fresh credentials; none by default. */
  iceServersFor?(identity: string): IceServer[];
  readonly delays?: RoomDelays | undefined;
  readonly log: Logger;
}

/** How a seat is reserved. */
export interface ReserveOptions {
  /** Aborted when the seat is not wanted any more: then no room is opened. */
  readonly signal?: AbortSignal;
  /** Of the room, if this opens it; `sfu` by default. Rooms other than calls have no other. */
  readonly policy?: RoomPolicy;
  /** Whether the room is opened if it is not open; otherwise that is refused. True by default. */
  readonly opens?: boolean;
  /** An administrator enters a locked room too, and opens one that has just been ended. False by default. */
  readonly isAdmin?: boolean;
  /** Whether it is for a viewer of a broadcast, who need not wait to be let in. False by default. */
  readonly isViewer?: boolean;
  /** Whoever can wait until an administrator lets them in; without it, a room with a waiting room is refused. */
  readonly visitor?: Visitor | undefined;
}

/** How a room is opened that nobody joins yet. */
export interface OpenOptions {
  /** `sfu` by default. Rooms other than calls have no other. */
  readonly policy?: RoomPolicy | undefined;
  /** Missing ones are those of a room that a join opens. */
  readonly settings?: RoomSettingsPatch;
}

/** How many participants a room without a server for media may have: each sends everything to everyone. */
const MAX_DIRECT_PEERS = 6;

/**
 * For how long the state of a broadcast is kept that everybody has left, in milliseconds, and of how many: a viewer who
 * is late is notified that it has ended.
 */
const SNAPSHOTS = { maxAge: 60 * 60_000, limit: 1000 };

/**
 * For how long the settings of a room are kept whose media was lost, in milliseconds, and of how many: its clients come
 * back, and the room is the same. Without anybody inside it would have stayed open for longer.
 */
const CONTINUATIONS = { minAge: 60_000, limit: 1000 };

interface KeptContinuation extends RoomContinuation {
  /** `performance.now()` */
  readonly until: number;
}

export class RoomManager {
  /** The joins that are refused, here or before. */
  readonly refusals: JoinRefusals;
  readonly #options: RoomManagerOptions;
  readonly #admissionQueue: AdmissionQueue;
  /** By key; from the moment that somebody asks for the room, until it has closed. */
  readonly #rooms = new Map<string, Promise<Room>>();
  readonly #openRooms = new Set<Room>();
  readonly #openedListeners = new Set<(room: Room) => void>();
  /** Of broadcasts that everybody has left, by key, oldest first. */
  readonly #snapshots = new Map<string, RoomSnapshot>();
  /** Of rooms whose media was lost, by key, oldest first. */
  readonly #continuations = new Map<string, KeptContinuation>();
  readonly #endedRooms: EndedRooms;
  /** When a server that drains stops (`performance.now()`). */
  #endsAt: number | undefined;
  #closed = false;

  constructor(options: RoomManagerOptions) {
    this.#options = options;
    this.refusals = new JoinRefusals(options.log);
    this.#endedRooms = new EndedRooms(options.delays?.roomEnded);
    this.#admissionQueue = new AdmissionQueue({ ...options.joinQueue, open: () => options.pool.acceptsPeers });
  }

  /**
   * Runs `listener` for every room that opens from now on, before anybody joins it: features subscribe to its events.
   * @returns what removes it
   */
  onRoomOpened(listener: (room: Room) => void): () => void {
    this.#openedListeners.add(listener);
    return () => this.#openedListeners.delete(listener);
  }

  get size(): number {
    return this.#rooms.size;
  }

  /** The rooms that are open now. */
  get open(): Room[] {
    return [...this.#openRooms].filter((room) => !room.closed);
  }

  /** Whether nobody is admitted any more. */
  get draining(): boolean {
    return this.#endsAt !== undefined || this.#closed;
  }

  /** How many joins wait. */
  get waiting(): number {
    return this.#admissionQueue.waiting;
  }

  /** Whether somebody who joins now does not have to wait for others, or for a worker with less to do. */
  get admitsAtOnce(): boolean {
    return !this.draining && this.#admissionQueue.admitsAtOnce;
  }

  /** Until a server that drains stops; undefined while it does not. */
  get secondsLeft(): number | undefined {
    return this.#endsAt === undefined ? undefined : Math.max(0, this.#endsAt - performance.now()) / 1000;
  }

  /**
   * A seat in the room of that kind and name, which is opened if necessary; on a busy server, after waiting in the
   * queue.
   * @throws {WeirError} `roomFull`, `busy`, `unavailable`, `closed`; `forbidden` for a room that is locked, and what `WaitingRoom.wait` throws; `conflict` for one
   *   that is neither open nor to be opened
   */
  async reserve(name: string, identity: string, kind: RoomKind = 'call', options: ReserveOptions = {}): Promise<Seat> {
    for (;;) {
      try {
        return await this.#reserve(name, identity, kind, options);
      } catch (error) {
        const { visitor, signal } = options;
        if (!(error instanceof WeirError && error.reason === 'waitingRoom' && visitor && signal)) throw error;
        // Nobody who waits takes a turn of the queue, or a seat.
        const room = await this.find(name, kind);
        await room?.waitingRoom.wait(visitor, signal);
      }
    }
  }

  /**
   * Opens a room that nobody joins yet, unless it is open.
   * @returns whether this has opened it; otherwise it is as it was
   * @throws {WeirError} `unavailable`, when the server is about to end or its workers have too much to do
   */
  async openRoom(
    name: string,
    kind: RoomKind,
    { policy = 'sfu', settings = {} }: OpenOptions = {},
  ): Promise<{ readonly room: Room; readonly opened: boolean }> {
    for (;;) {
      this.#assertAdmitting();
      const opened = !this.#rooms.has(roomKey(kind, name));
      const room = await this.#obtain(kind, name, policy, settings);
      if (!room.closed) return { room, opened };
    }
  }

  /** The room of that kind and name, if it is open. */
  async find(name: string, kind: RoomKind = 'call'): Promise<Room | undefined> {
    const room = await this.#rooms.get(roomKey(kind, name))?.catch(() => undefined);
    return room?.closed ? undefined : room;
  }

  /**
   * Admits nobody any more, notifies everyone of when the server stops, and waits until all rooms have closed, or for
   * `time` milliseconds, or until `signal` is aborted.
   */
  async drain(time: number, signal?: AbortSignal): Promise<void> {
    this.#endsAt = performance.now() + time;
    this.#admissionQueue.close();
    for (const room of this.#openRooms) room.drain(time / 1000);
    const deadline = AbortSignal.any([AbortSignal.timeout(time), ...(signal ? [signal] : [])]);
    while (this.size > 0 && !deadline.aborted) {
      await Promise.race([Promise.all([...this.#rooms.values()].map(ended)), once(deadline, 'abort')]);
    }
  }

  /**
   * Closes all rooms. One that is being opened closes as soon as it is open: a worker that does not answer delays
   * nothing.
   */
  close(): void {
    this.#closed = true;
    this.#admissionQueue.close();
    for (const room of this.#openRooms) room.close('serverClosing');
  }

  /** As `reserve`, for whoever need not wait to be let in. @throws {WeirError} as `reserve` */
  async #reserve(
    name: string,
    identity: string,
    kind: RoomKind,
    { signal, policy = 'sfu', opens = true, isAdmin = false, isViewer = false }: ReserveOptions,
  ): Promise<Seat> {
    this.#assertAdmitting();
    const turn = await this.#admissionQueue.enter(roomKey(kind, name), signal);
    try {
      // The signal may have been aborted after the queue has given the turn.
      if (signal?.aborted) throw new WeirError('closed');
      const { room, seat } = await this.#seat(kind, name, { identity, policy, opens, isAdmin, isViewer });
      if (signal?.aborted) {
        seat[Symbol.dispose]();
        throw new WeirError('closed');
      }
      return {
        room,
        leaveQueue: () => turn[Symbol.dispose](),
        [Symbol.dispose]() {
          turn[Symbol.dispose]();
          seat[Symbol.dispose]();
        },
      };
    } catch (error) {
      turn[Symbol.dispose]();
      throw error;
    }
  }

  async #seat(
    kind: RoomKind,
    name: string,
    {
      identity,
      policy,
      opens,
      isAdmin,
      isViewer,
    }: Required<Omit<ReserveOptions, 'signal' | 'visitor'>> & {
      readonly identity: string;
    },
  ): Promise<{ room: Room; seat: Disposable }> {
    const maxPeers = this.#options.maxPeers[kind];
    const key = roomKey(kind, name);
    for (;;) {
      this.#assertAdmitting();
      if (!opens && !this.#rooms.has(key)) {
        throw new WeirError('conflict', 'This room is not open.', { retryAfter: 5 });
      }
      if (!isAdmin && !this.#rooms.has(key)) this.#endedRooms.assertNotEnded(key);
      const room = await this.#obtain(kind, name, policy);
      // It may have closed because everybody left while it was awaited: then a new one is opened.
      if (room.closed) continue;
      const limit = room.policy === 'p2p' ? Math.min(maxPeers, MAX_DIRECT_PEERS) : maxPeers;
      return { room, seat: room.reserve({ identity, isAdmin, isViewer, maxPeers: limit }) };
    }
  }

  #assertAdmitting(): void {
    if (this.draining)
      throw new WeirError('unavailable', 'The server is about to restart; try again in a while.', {
        reason: 'draining',
      });
  }

  #obtain(kind: RoomKind, name: string, policy: RoomPolicy, settings?: RoomSettingsPatch): Promise<Room> {
    const key = roomKey(kind, name);
    const known = this.#rooms.get(key);
    if (known) return known;
    const opening = this.#openRoom(kind, name, kind === 'call' ? policy : 'sfu', settings);
    this.#rooms.set(key, opening);
    const remove = () => {
      if (this.#rooms.get(key) === opening) this.#rooms.delete(key);
    };
    opening.then((room) => room.onEnd(remove), remove);
    return opening;
  }

  /** @param patch of the settings that it would have; undefined for a room that a join opens */
  async #openRoom(kind: RoomKind, name: string, policy: RoomPolicy, patch?: RoomSettingsPatch): Promise<Room> {
    const { pool, moderation, maxAudibleSpeakers, chat, delays, log } = this.#options;
    const routers = await RoomRouters.open(pool, { linger: delays?.routerLinger });
    const key = roomKey(kind, name);
    const snapshot = this.#snapshotOf(key);
    const continued = this.#takeContinuation(key);
    const settings = patchSettings(continued?.settings ?? DEFAULT_ROOM_SETTINGS, patch ?? {});
    const room = new Room({
      name,
      kind,
      policy,
      iceServersFor: (identity) => this.#options.iceServersFor?.(identity) ?? [],
      routers,
      moderation,
      snapshot,
      settings,
      returning: continued?.identities,
      chat,
      maxAudibleSpeakers,
      delays,
      log,
    });
    this.#openRooms.add(room);
    room.onEnd((reason) => {
      this.#openRooms.delete(room);
      this.#keepSnapshot(room);
      this.#keepContinuation(room);
      if (reason === 'roomEnded') this.#endedRooms.add(key);
    });
    for (const listener of this.#openedListeners) listener(room);
    if (this.#closed) room.close('serverClosing');
    return room;
  }

  #snapshotOf(key: string): RoomSnapshot | undefined {
    const snapshot = this.#snapshots.get(key);
    return snapshot && performance.now() - snapshot.broadcast.until < SNAPSHOTS.maxAge ? snapshot : undefined;
  }

  /** What the room of that key goes on with, once. */
  #takeContinuation(key: string): RoomContinuation | undefined {
    const kept = this.#continuations.get(key);
    this.#continuations.delete(key);
    return kept && performance.now() < kept.until ? kept : undefined;
  }

  #keepContinuation({ key, continuation }: Room): void {
    if (!continuation) return;
    const { emptyTimeout, departureTimeout } = continuation.settings;
    const age = Math.max(CONTINUATIONS.minAge, emptyTimeout * 1000, departureTimeout * 1000);
    this.#continuations.delete(key);
    this.#continuations.set(key, { ...continuation, until: performance.now() + age });
    dropOldest(this.#continuations, CONTINUATIONS.limit);
  }

  #keepSnapshot({ key, snapshot }: Room): void {
    this.#snapshots.delete(key);
    if (!snapshot) return;
    this.#snapshots.set(key, snapshot);
    dropOldest(this.#snapshots, SNAPSHOTS.limit);
  }
}

/** Resolves when that room has closed, or could not be opened. */
async function ended(opening: Promise<Room>): Promise<void> {
  const room = await opening.catch(() => undefined);
  if (room) await new Promise<void>((resolve) => room.onEnd(() => resolve()));
}
