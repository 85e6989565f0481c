/** Owns the rooms of this server: opens them on demand, forgets them when they close. */
import { once } from 'node:events';
import type { Logger } from 'pino';
import { WeirError } from '../../shared/errors.ts';
import type { RoomKind } from '../../shared/protocol.ts';
import { Fabric } from '../media/Fabric.ts';
import type { WorkerPool } from '../media/WorkerPool.ts';
import type { Bygone } from './Broadcast.ts';
import { Doorway } from './Doorway.ts';
import type { Moderation } from './Moderation.ts';
import { Room, type RoomDelays, roomKey } from './Room.ts';

/** A place in a room that is open as long as the place is held. */
export interface Seat extends Disposable {
  readonly room: Room;
}

export interface RoomsOptions {
  readonly pool: WorkerPool;
  readonly moderation: Moderation;
  /** How many may be in one room, by its kind. */
  readonly maxPeers: Readonly<Record<RoomKind, number>>;
  /** How many others are heard at once in a room of many. */
  readonly heard: number;
  /** How many may be on the way in at once, and how many may wait for that, and how long, in milliseconds. */
  readonly line: { readonly abreast: number; readonly length: number; readonly patience: number };
  readonly delays?: RoomDelays | undefined;
  readonly log: Logger;
}

/** How long, in milliseconds, and how many broadcasts are remembered that everybody has left: who comes late is told so. */
const REMEMBERED = { time: 60 * 60_000, most: 1000 };

export class Rooms {
  readonly #options: RoomsOptions;
  readonly #doorway: Doorway;
  /** By key, from the moment that somebody asks for one. */
  readonly #rooms = new Map<string, Promise<Room>>();
  readonly #open = new Set<Room>();
  /** Broadcasts that everybody has left, by key; the oldest is the first to be forgotten. */
  readonly #bygone = new Map<string, Bygone>();
  /** When nobody may be inside any more (`performance.now()`). */
  #endsAt: number | undefined;
  #closed = false;

  constructor(options: RoomsOptions) {
    this.#options = options;
    this.#doorway = new Doorway({ ...options.line, open: () => options.pool.takesPeers });
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
    this.#mustLetIn();
    const turn = await this.#doorway.enter(roomKey(kind, name), signal);
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
    this.#doorway.close();
    for (const room of this.#open) room.tellAll('draining', { seconds: time / 1000 });
    const deadline = AbortSignal.any([AbortSignal.timeout(time), ...(signal ? [signal] : [])]);
    while (this.size > 0 && !deadline.aborted) {
      await Promise.race([Promise.all([...this.#rooms.values()].map(ended)), once(deadline, 'abort')]);
    }
  }

  /** Closes all rooms. One that is being opened closes as soon as it is open: a worker that is stuck holds up nobody. */
  close(): void {
    this.#closed = true;
    this.#doorway.close();
    for (const room of this.#open) room.close('serverClosing');
  }

  async #seat(kind: RoomKind, name: string, identity: string): Promise<{ room: Room; seat: Disposable }> {
    for (;;) {
      this.#mustLetIn();
      const room = await this.#obtain(kind, name);
      // It may have emptied and closed while we waited for our turn: then there will be a new one.
      if (!room.closed) return { room, seat: room.reserve(identity, this.#options.maxPeers[kind]) };
    }
  }

  #mustLetIn(): void {
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
    const { pool, moderation, heard, delays, log } = this.#options;
    const fabric = await Fabric.open(pool, { linger: delays?.routerLinger });
    const bygone = this.#bygoneOf(roomKey(kind, name));
    const room = new Room({ name, kind, fabric, moderation, bygone, heard, delays, log });
    this.#open.add(room);
    room.onEnd(() => {
      this.#open.delete(room);
      this.#remember(room);
    });
    if (this.#closed) room.close('serverClosing');
    return room;
  }

  #bygoneOf(key: string): Bygone | undefined {
    const bygone = this.#bygone.get(key);
    return bygone && performance.now() - bygone.until < REMEMBERED.time ? bygone : undefined;
  }

  #remember({ key, broadcast }: Room): void {
    this.#bygone.delete(key);
    const bygone = broadcast?.bygone;
    if (!bygone) return;
    this.#bygone.set(key, bygone);
    const [oldest] = this.#bygone.keys();
    if (oldest !== undefined && this.#bygone.size > REMEMBERED.most) this.#bygone.delete(oldest);
  }
}

/** When that room has closed, or could not be opened. */
async function ended(opening: Promise<Room>): Promise<void> {
  const room = await opening.catch(() => undefined);
  if (room) await new Promise<void>((resolve) => room.onEnd(() => resolve()));
}
