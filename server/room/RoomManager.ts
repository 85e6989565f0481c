/** The rooms of this server: opened on demand, and removed when they close. */
import { once } from 'node:events';
import type { Logger } from 'pino';
import { WeirError } from '../../shared/errors.ts';
import type { IceServer } from '../../shared/media.ts';
import type { RoomKind, RoomPolicy } from '../../shared/protocol.ts';
import type { Moderation } from '../auth/Moderation.ts';
import { roomKey } from '../common/roomKey.ts';
import { RoomRouters } from '../media/RoomRouters.ts';
import type { WorkerPool } from '../media/WorkerPool.ts';
import { AdmissionQueue } from './AdmissionQueue.ts';
import type { ChatSettings } from './Chat.ts';
import { Room, type RoomSnapshot } from './Room.ts';
import type { RoomDelays } from './RoomDelays.ts';

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
}

/** How many participants a room without a server for media may have: each sends everything to everyone. */
const MAX_DIRECT_PEERS = 6;

/**
 * For how long the state of a broadcast is kept that everybody has left, in milliseconds, and of how many: a viewer who
 * is late is notified that it has ended.
 */
const SNAPSHOTS = { maxAge: 60 * 60_000, limit: 1000 };

export class RoomManager {
  readonly #options: RoomManagerOptions;
  readonly #admissionQueue: AdmissionQueue;
  /** By key; from the moment that somebody asks for the room, until it has closed. */
  readonly #rooms = new Map<string, Promise<Room>>();
  readonly #openRooms = new Set<Room>();
  readonly #openedListeners = new Set<(room: Room) => void>();
  /** Of broadcasts that everybody has left, by key, oldest first. */
  readonly #snapshots = new Map<string, RoomSnapshot>();
  /** When a server that drains stops (`performance.now()`). */
  #endsAt: number | undefined;
  #closed = false;

  constructor(options: RoomManagerOptions) {
    this.#options = options;
    this.#admissionQueue = new AdmissionQueue({ ...options.joinQueue, open: () => options.pool.acceptsPeers });
  }

  /**
   * Runs `listener` for every room that opens from now on, before anybody joins it: features subscribe to its events.
   */
  onRoomOpened(listener: (room: Room) => void): void {
    this.#openedListeners.add(listener);
  }

  get size(): number {
    return this.#rooms.size;
  }

  /** Whether nobody is admitted any more. */
  get draining(): boolean {
    return this.#endsAt !== undefined || this.#closed;
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
   * @throws {WeirError} `roomFull`, `busy`, `unavailable`, `closed`; `conflict` for a room that is neither open nor to be opened
   */
  async reserve(
    name: string,
    identity: string,
    kind: RoomKind = 'call',
    { signal, policy = 'sfu', opens = true }: ReserveOptions = {},
  ): Promise<Seat> {
    this.#assertAdmitting();
    const turn = await this.#admissionQueue.enter(roomKey(kind, name), signal);
    try {
      // The signal may have been aborted after the queue has given the turn.
      if (signal?.aborted) throw new WeirError('closed');
      const { room, seat } = await this.#seat(kind, name, identity, kind === 'call' ? policy : 'sfu', opens);
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

  async #seat(
    kind: RoomKind,
    name: string,
    identity: string,
    policy: RoomPolicy,
    opens: boolean,
  ): Promise<{ room: Room; seat: Disposable }> {
    const maxPeers = this.#options.maxPeers[kind];
    for (;;) {
      this.#assertAdmitting();
      if (!opens && !this.#rooms.has(roomKey(kind, name))) {
        throw new WeirError('conflict', 'This room is not open.', { retryAfter: 5 });
      }
      const room = await this.#obtain(kind, name, policy);
      // It may have closed because everybody left while it was awaited: then a new one is opened.
      if (room.closed) continue;
      const limit = room.policy === 'p2p' ? Math.min(maxPeers, MAX_DIRECT_PEERS) : maxPeers;
      return { room, seat: room.reserve(identity, limit) };
    }
  }

  #assertAdmitting(): void {
    if (this.draining)
      throw new WeirError('unavailable', 'The server is about to restart; try again in a while.', {
        reason: 'draining',
      });
  }

  #obtain(kind: RoomKind, name: string, policy: RoomPolicy): Promise<Room> {
    const key = roomKey(kind, name);
    const known = this.#rooms.get(key);
    if (known) return known;
    const opening = this.#openRoom(kind, name, policy);
    this.#rooms.set(key, opening);
    const remove = () => {
      if (this.#rooms.get(key) === opening) this.#rooms.delete(key);
    };
    opening.then((room) => room.onEnd(remove), remove);
    return opening;
  }

  async #openRoom(kind: RoomKind, name: string, policy: RoomPolicy): Promise<Room> {
    const { pool, moderation, maxAudibleSpeakers, chat, delays, log } = this.#options;
    const routers = await RoomRouters.open(pool, { linger: delays?.routerLinger });
    const snapshot = this.#snapshotOf(roomKey(kind, name));
    const room = new Room({
      name,
      kind,
      policy,
      iceServersFor: (identity) => this.#options.iceServersFor?.(identity) ?? [],
      routers,
      moderation,
      snapshot,
      chat,
      maxAudibleSpeakers,
      delays,
      log,
    });
    this.#openRooms.add(room);
    room.onEnd(() => {
      this.#openRooms.delete(room);
      this.#keepSnapshot(room);
    });
    for (const listener of this.#openedListeners) listener(room);
    if (this.#closed) room.close('serverClosing');
    return room;
  }

  #snapshotOf(key: string): RoomSnapshot | undefined {
    const snapshot = this.#snapshots.get(key);
    return snapshot && performance.now() - snapshot.broadcast.until < SNAPSHOTS.maxAge ? snapshot : undefined;
  }

  #keepSnapshot({ key, snapshot }: Room): void {
    this.#snapshots.delete(key);
    if (!snapshot) return;
    this.#snapshots.set(key, snapshot);
    const [oldest] = this.#snapshots.keys();
    if (oldest !== undefined && this.#snapshots.size > SNAPSHOTS.limit) this.#snapshots.delete(oldest);
  }
}

/** Resolves when that room has closed, or could not be opened. */
async function ended(opening: Promise<Room>): Promise<void> {
  const room = await opening.catch(() => undefined);
  if (room) await new Promise<void>((resolve) => room.onEnd(() => resolve()));
}
