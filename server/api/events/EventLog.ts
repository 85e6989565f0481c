/**
 * The event log of the server: the events of all rooms as one ordered stream of plain data, and the most recent of them.
 * API, webhooks and metrics read it and nothing else, so that they cannot disagree.
 *
 * Guarantees:
 * - Events are delivered in the order of their ids, to every listener alike; those of a room in the order of `RoomEvents`.
 * - Delivery is synchronous, but for an event that a listener causes: it follows when all have had the current one.
 * - An event is data that does not change: it may be kept, and must not be modified.
 * - A listener that throws is logged; the others still get the event.
 */
import type { Logger } from 'pino';
import { Lifetime } from '../../common/Lifetime.ts';
import type { JoinRefusals } from '../../room/JoinRefusals.ts';
import { EventIds } from './EventIds.ts';
import type { LoggedEvent, NewEvent } from './LoggedEvent.ts';
import { RefusalEvents } from './RefusalEvents.ts';
import { type RecordedRoom, RoomRecorder } from './RoomRecorder.ts';

/** How many events are kept by default. */
const CAPACITY = 1000;

/** The rooms of a server, as `RoomManager` has them. */
export interface RoomSource {
  onRoomOpened(listener: (room: RecordedRoom) => void): () => void;
  readonly refusals: Pick<JoinRefusals, 'onRefused'>;
}

export interface EventLogOptions {
  readonly rooms: RoomSource;
  /** How many events are kept; 1000 by default. */
  readonly capacity?: number;
  /** Unix milliseconds; replaced by tests. */
  readonly now?: () => number;
  readonly log: Logger;
}

/** Which of the kept events are wanted; all by default. */
export interface EventFilter {
  /** The id of an event, kept or not: those after it. */
  readonly after?: string | undefined;
  /** The name of a room. */
  readonly room?: string | undefined;
  /** At most so many: the first ones after `after`, or the last ones without it. */
  readonly limit?: number | undefined;
}

export type LoggedEventListener = (event: LoggedEvent) => void;

export class EventLog {
  readonly #log: Logger;
  readonly #capacity: number;
  readonly #now: () => number;
  readonly #lifetime = new Lifetime<'closed'>();
  readonly #ids = new EventIds();
  readonly #listeners = new Set<LoggedEventListener>();
  readonly #recorders = new Set<RoomRecorder>();
  readonly #undelivered: LoggedEvent[] = [];
  /** The last `capacity` of these are kept; it is cut when it has twice as many, so that keeping one costs little. */
  #kept: LoggedEvent[] = [];
  #delivering = false;

  constructor({ rooms, capacity = CAPACITY, now = Date.now, log }: EventLogOptions) {
    this.#log = log;
    this.#capacity = capacity;
    this.#now = now;
    const refusals = new RefusalEvents((event) => this.#record(event));
    this.#lifetime.defer(() => refusals.close());
    this.#lifetime.defer(rooms.refusals.onRefused((refusal) => refusals.add(refusal)));
    this.#lifetime.defer(() => {
      for (const recorder of this.#recorders) recorder.close();
    });
    this.#lifetime.defer(rooms.onRoomOpened((room) => this.#recordRoom(room)));
  }

  /** Runs `listener` for every event from now on. @returns what removes it */
  on(listener: LoggedEventListener): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Those of the kept events that pass the filter, oldest first. */
  recent({ after, room, limit = Number.POSITIVE_INFINITY }: EventFilter = {}): LoggedEvent[] {
    const kept = this.#kept
      .slice(-this.#capacity)
      .filter(
        (event) => (after === undefined || event.id > after) && (room === undefined || event.room?.name === room),
      );
    if (kept.length <= limit) return kept;
    return after === undefined ? kept.slice(kept.length - limit) : kept.slice(0, limit);
  }

  /** The id of the oldest event that is kept: what is asked after an older one may lack events. */
  get oldest(): string | undefined {
    return this.#kept.at(-this.#capacity)?.id ?? this.#kept[0]?.id;
  }

  /** Records what remains, and then nothing any more. Close it after the rooms; idempotent. */
  close(): void {
    this.#lifetime.end('closed');
  }

  #recordRoom(room: RecordedRoom): void {
    const recorder = new RoomRecorder({ room, record: (event) => this.#record(event), now: this.#now });
    this.#recorders.add(recorder);
    room.events.on({ closed: () => this.#recorders.delete(recorder) });
  }

  #record(event: NewEvent): void {
    const time = this.#now();
    const logged: LoggedEvent = { id: this.#ids.next(time), time, ...event };
    this.#kept.push(logged);
    if (this.#kept.length >= 2 * this.#capacity) this.#kept = this.#kept.slice(-this.#capacity);
    if (this.#listeners.size === 0) return;
    this.#undelivered.push(logged);
    if (this.#delivering) return;
    this.#delivering = true;
    for (let next = this.#undelivered.shift(); next; next = this.#undelivered.shift()) this.#deliver(next);
    this.#delivering = false;
  }

  #deliver(event: LoggedEvent): void {
    for (const listener of [...this.#listeners]) {
      try {
        listener(event);
      } catch (error) {
        this.#log.error({ err: error, event: event.type }, 'event log listener failed');
      }
    }
  }
}
