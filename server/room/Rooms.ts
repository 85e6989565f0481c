/** Owns the rooms of this server: opens them on demand, forgets them when they close. */
import { once } from 'node:events';
import type { Logger } from 'pino';
import { WeirError } from '../../shared/errors.ts';
import { Fabric } from '../media/Fabric.ts';
import type { WorkerPool } from '../media/WorkerPool.ts';
import { Room } from './Room.ts';

/** A place in a room that is open as long as the place is held. */
export interface Seat extends Disposable {
  readonly room: Room;
}

export class Rooms {
  readonly #pool: WorkerPool;
  readonly #maxPeers: number;
  readonly #log: Logger;
  /** By name, from the moment that somebody asks for one. */
  readonly #rooms = new Map<string, Promise<Room>>();
  readonly #open = new Set<Room>();
  /** When nobody may be inside any more (`performance.now()`). */
  #endsAt: number | undefined;
  #closed = false;

  constructor(pool: WorkerPool, maxPeers: number, log: Logger) {
    this.#pool = pool;
    this.#maxPeers = maxPeers;
    this.#log = log;
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
   * A seat in the room of that name, which is opened if need be.
   * @throws {WeirError} `roomFull`, `unavailable`, `closed`
   */
  async reserve(name: string, identity: string): Promise<Seat> {
    for (;;) {
      if (this.draining) throw new WeirError('unavailable', 'The server is about to restart; try again in a while.');
      const room = await this.#obtain(name);
      // It may have emptied and closed while we waited for our turn: then there will be a new one.
      if (room.closed) continue;
      const seat = room.reserve(identity, this.#maxPeers);
      return { room, [Symbol.dispose]: () => seat[Symbol.dispose]() };
    }
  }

  /** The room of that name if it is open; none is opened. */
  async find(name: string): Promise<Room | undefined> {
    const room = await this.#rooms.get(name)?.catch(() => undefined);
    return room?.closed ? undefined : room;
  }

  /**
   * Lets nobody in any more, tells everyone inside when the end will be, and waits until all rooms have closed, or for
   * `time` milliseconds, or until `signal` ends the waiting.
   */
  async drain(time: number, signal?: AbortSignal): Promise<void> {
    this.#endsAt = performance.now() + time;
    for (const room of this.#open) room.tellAll('draining', { seconds: time / 1000 });
    const deadline = AbortSignal.any([AbortSignal.timeout(time), ...(signal ? [signal] : [])]);
    while (this.size > 0 && !deadline.aborted) {
      await Promise.race([Promise.all([...this.#rooms.values()].map(ended)), once(deadline, 'abort')]);
    }
  }

  /** Closes all rooms. One that is being opened closes as soon as it is open: a worker that is stuck holds up nobody. */
  close(): void {
    this.#closed = true;
    for (const room of this.#open) room.close('serverClosing');
  }

  #obtain(name: string): Promise<Room> {
    const known = this.#rooms.get(name);
    if (known) return known;
    const opening = this.#openRoom(name);
    this.#rooms.set(name, opening);
    const forget = () => {
      if (this.#rooms.get(name) === opening) this.#rooms.delete(name);
    };
    opening.then((room) => room.onEnd(forget), forget);
    return opening;
  }

  async #openRoom(name: string): Promise<Room> {
    const fabric = await Fabric.open(this.#pool);
    const room = new Room(name, fabric, this.#log);
    this.#open.add(room);
    room.onEnd(() => this.#open.delete(room));
    if (this.#closed) room.close('serverClosing');
    return room;
  }
}

/** When that room has closed, or could not be opened. */
async function ended(opening: Promise<Room>): Promise<void> {
  const room = await opening.catch(() => undefined);
  if (room) await new Promise<void>((resolve) => room.onEnd(() => resolve()));
}
