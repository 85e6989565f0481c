/** Owns the rooms of this server: opens them on demand, forgets them when they close. */
import { once } from 'node:events';
import type { Logger } from 'pino';
import { WeirError } from '../../shared/errors.ts';
import type { RoomKind } from '../../shared/protocol.ts';
import type { Moderation } from '../auth/Moderation.ts';
import { RoomRouters } from '../media/RoomRouters.ts';
import type { WorkerPool } from '../media/WorkerPool.ts';
import { roomKey } from '../roomKey.ts';
import { AdmissionQueue } from './AdmissionQueue.ts';
import type { BroadcastSnapshot } from './Broadcast.ts';
import { Room } from './Room.ts';
import type { RoomDelays } from './RoomDelays.ts';

/** A place in a room that is open as long as the place is held. */
export interface Seat extends Disposable {
  readonly room: Room;
}

export interface RoomManagerOptions {
  readonly pool: WorkerPool;
  readonly moderation: Moderation;
  /** How many may be in one room, by its kind. */
  readonly maxPeers: Readonly<Record<RoomKind, number>>;
  /** How many others are heard at once in a room of many. */
  readonly maxAudibleSpeakers: number;
  /** How many may be on the way in at once, and how many may wait for that, and how long, in milliseconds. */
  readonly joinQueue: { readonly concurrency: number; readonly length: number; readonly timeout: number };
  readonly delays?: RoomDelays | undefined;
  readonly log: Logger;
}

/** How long, in milliseconds, and how many broadcasts are remembered that everybody has left: who comes late is told so. */
const SNAPSHOTS = { time: 60 * 60_000, most: 1000 };

export class RoomManager {
  readonly #options: RoomManagerOptions;
  readonly #admissionQueue: AdmissionQueue;
  /** By key, from the moment that somebody asks for one. */
  readonly #rooms = new Map<string, Promise<Room>>();
  readonly #openRooms = new Set<Room>();
  readonly #openedListeners = new Set<(room: Room) => void>();
  /** Broadcasts that everybody has left, by key; the oldest is the first to be forgotten. */
  readonly #snapshots = new Map<string, BroadcastSnapshot>();
  /** When nobody may be inside any more (`performance.now()`). */
  #endsAt: number | undefined;
  #closed = false;

  constructor(options: RoomManagerOptions) {
    this.#options = options;
    this.#admissionQueue = new AdmissionQueue({ ...options.joinQueue, open: () => options.pool.acceptsPeers });
  }

  /** Runs `listener` for every room that opens from now on, before anybody joins it: features subscribe to its events. */
  onRoomOpened(listener: (room: Room) => void): void {
    this.#openedListeners.add(listener);
  }

  get size(): number {
    return this.#rooms.size;
  }

  /** Whether nobody is let in any more. */
  get draining(): boolean {
    return this.#endsAt !== undefined || this.#closed;
  }

  /** Until everybody has to go; undefined while nobody has to. */
  get secondsLeft(): number | undefined {
    return this.#endsAt === undefined ? undefined : Math.max(0, this.#endsAt - performance.now()) / 1000;
  }

  /**
   * A seat in the room of that kind and name, which is opened if need be; while the server has enough to do, one waits for it.
   * @param signal of somebody who may not want it any more: then no room is opened
   * @throws {WeirError} `roomFull`, `busy`, `unavailable`, `closed`
   */
  async reserve(name: string, identity: string, kind: RoomKind = 'call', signal?: AbortSignal): Promise<Seat> {
    this.#assertAdmitting();
    const turn = await this.#admissionQueue.enter(roomKey(kind, name), signal);
    try {
      // Between having a turn and this there was time to leave.
      if (signal?.aborted) throw new WeirError('closed');
      const { room, seat } = await this.#seat(kind, name, identity);
      if (signal?.aborted) {
        seat[Symbol.dispose]();
        throw new WeirError('closed');
      }
      return {
        room,
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

  /** The room of that kind and name if it is open; none is opened. */
  async find(name: string, kind: RoomKind = 'call'): Promise<Room | undefined> {
    const room = await this.#rooms.get(roomKey(kind, name))?.catch(() => undefined);
    return room?.closed ? undefined : room;
  }

  /**
   * Lets nobody in any more, tells everyone inside when the end will be, and waits until all rooms have closed, or for
   * `time` milliseconds, or until `signal` ends the waiting.
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

  /** Closes all rooms. One that is being opened closes as soon as it is open: a worker that is stuck holds up nobody. */
  close(): void {
    this.#closed = true;
    this.#admissionQueue.close();
    for (const room of this.#openRooms) room.close('serverClosing');
  }

  async #seat(kind: RoomKind, name: string, identity: string): Promise<{ room: Room; seat: Disposable }> {
    for (;;) {
      this.#assertAdmitting();
      const room = await this.#obtain(kind, name);
      // It may have emptied and closed while we waited for our turn: then there will be a new one.
      if (!room.closed) return { room, seat: room.reserve(identity, this.#options.maxPeers[kind]) };
    }
  }

  #assertAdmitting(): void {
    if (this.draining)
      throw new WeirError('unavailable', 'The server is about to restart; try again in a while.', {
        reason: 'draining',
      });
  }

  #obtain(kind: RoomKind, name: string): Promise<Room> {
    const key = roomKey(kind, name);
    const known = this.#rooms.get(key);
    if (known) return known;
    const opening = this.#openRoom(kind, name);
    this.#rooms.set(key, opening);
    const forget = () => {
      if (this.#rooms.get(key) === opening) this.#rooms.delete(key);
    };
    opening.then((room) => room.onEnd(forget), forget);
    return opening;
  }

  async #openRoom(kind: RoomKind, name: string): Promise<Room> {
    const { pool, moderation, maxAudibleSpeakers, delays, log } = this.#options;
    const routers = await RoomRouters.open(pool, { linger: delays?.routerLinger });
    const snapshot = this.#snapshotOf(roomKey(kind, name));
    const room = new Room({ name, kind, routers, moderation, snapshot, maxAudibleSpeakers, delays, log });
    this.#openRooms.add(room);
    room.onEnd(() => {
      this.#openRooms.delete(room);
      this.#keepSnapshot(room);
    });
    for (const listener of this.#openedListeners) listener(room);
    if (this.#closed) room.close('serverClosing');
    return room;
  }

  #snapshotOf(key: string): BroadcastSnapshot | undefined {
    const bygone = this.#snapshots.get(key);
    return bygone && performance.now() - bygone.until < SNAPSHOTS.time ? bygone : undefined;
  }

  #keepSnapshot({ key, broadcast }: Room): void {
    this.#snapshots.delete(key);
    const bygone = broadcast?.snapshot;
    if (!bygone) return;
    this.#snapshots.set(key, bygone);
    const [oldest] = this.#snapshots.keys();
    if (oldest !== undefined && this.#snapshots.size > SNAPSHOTS.most) this.#snapshots.delete(oldest);
  }
}

/** When that room has closed, or could not be opened. */
async function ended(opening: Promise<Room>): Promise<void> {
  const room = await opening.catch(() => undefined);
  if (room) await new Promise<void>((resolve) => room.onEnd(() => resolve()));
}
