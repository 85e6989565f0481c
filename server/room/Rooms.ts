/** Owns the rooms of this server: opens them on demand, forgets them when they close. */
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
  #closed = false;

  constructor(pool: WorkerPool, maxPeers: number, log: Logger) {
    this.#pool = pool;
    this.#maxPeers = maxPeers;
    this.#log = log;
  }

  get size(): number {
    return this.#rooms.size;
  }

  /**
   * A seat in the room of that name, which is opened if need be.
   * @throws {WeirError} `roomFull`, `unavailable`, `closed`
   */
  async reserve(name: string, identity: string): Promise<Seat> {
    for (;;) {
      if (this.#closed) throw new WeirError('unavailable', 'The server is shutting down.');
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
