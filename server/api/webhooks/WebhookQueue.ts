/**
 * What waits to be delivered to one URL: in order within a room, and independently between rooms, within limits of number
 * and size. It sends nothing.
 */
import type { QueuedEvent } from './QueuedEvent.ts';

/** The events of one room, oldest first. One of them at a time is sent, or waits to be sent again. */
export interface RoomQueue {
  readonly room: string;
  readonly events: QueuedEvent[];
  /** How often the first event has failed. */
  failures: number;
  state: 'ready' | 'sending' | 'waiting';
  /** While it waits. */
  timer?: NodeJS.Timeout | undefined;
}

export interface QueueLimits {
  readonly events: number;
  readonly bytes: number;
}

/** To what share of its limits a full queue is emptied, so that this is not done for every event. */
const EMPTIED_TO = 0.9;

export class WebhookQueue {
  readonly #limits: QueueLimits;
  readonly #rooms = new Map<string, RoomQueue>();
  /** Those whose first event can be sent, in the order in which they became so. */
  readonly #ready = new Set<RoomQueue>();
  #size = 0;
  #bytes = 0;

  constructor(limits: QueueLimits) {
    this.#limits = limits;
  }

  /** How many events there are. */
  get size(): number {
    return this.#size;
  }

  /** Size of all bodies. */
  get bytes(): number {
    return this.#bytes;
  }

  get events(): QueuedEvent[] {
    return [...this.#rooms.values()].flatMap(({ events }) => events);
  }

  /**
   * Adds an event behind those of its room. In a full queue, whole rooms are dropped, first the one that has waited for
   * longest: what is left of a room is complete, and a room of now is of more use than one that is long over.
   * @returns what was dropped
   */
  add(event: QueuedEvent): QueuedEvent[] {
    const queue = this.#rooms.get(event.room) ?? this.#addRoom(event.room);
    queue.events.push(event);
    this.#size += 1;
    this.#bytes += event.bytes;
    return this.#size > this.#limits.events || this.#bytes > this.#limits.bytes ? this.#dropRooms() : [];
  }

  /** The next room with an event to send, which nobody else is given until one of the methods below is called. */
  take(): RoomQueue | undefined {
    const [queue] = this.#ready;
    if (!queue) return undefined;
    this.#ready.delete(queue);
    queue.state = 'sending';
    return queue;
  }

  /** The first event of a room is done with: delivered, or given up. @returns it */
  removeFirst(queue: RoomQueue): QueuedEvent | undefined {
    const event = queue.events.shift();
    queue.failures = 0;
    if (event) this.#removed(event);
    if (queue.events.length > 0) this.#makeReady(queue);
    else this.#rooms.delete(queue.room);
    return event;
  }

  /** The first event of a room has failed: it is ready again after `delay` milliseconds, and `onReady` is called. */
  retry(queue: RoomQueue, delay: number, onReady: () => void): void {
    queue.state = 'waiting';
    queue.timer = setTimeout(() => {
      this.#makeReady(queue);
      onReady();
    }, delay);
  }

  /** Whatever waits to be sent again is ready now. */
  wake(): void {
    for (const queue of this.#rooms.values()) if (queue.state === 'waiting') this.#makeReady(queue);
  }

  /** Nothing becomes ready any more; idempotent. */
  close(): void {
    for (const { timer } of this.#rooms.values()) clearTimeout(timer);
  }

  #addRoom(room: string): RoomQueue {
    const queue: RoomQueue = { room, events: [], failures: 0, state: 'ready' };
    this.#rooms.set(room, queue);
    this.#ready.add(queue);
    return queue;
  }

  #makeReady(queue: RoomQueue): void {
    clearTimeout(queue.timer);
    queue.timer = undefined;
    queue.state = 'ready';
    this.#ready.add(queue);
  }

  #dropRooms(): QueuedEvent[] {
    const dropped: QueuedEvent[] = [];
    const oldestFirst = [...this.#rooms.values()].sort((one, other) => firstSeq(one) - firstSeq(other));
    for (const queue of oldestFirst) {
      if (this.#size <= this.#limits.events * EMPTIED_TO && this.#bytes <= this.#limits.bytes * EMPTIED_TO) break;
      // What is being sent may have arrived.
      const removed = queue.events.splice(queue.state === 'sending' ? 1 : 0);
      for (const event of removed) this.#removed(event);
      dropped.push(...removed);
      if (queue.events.length === 0) this.#removeRoom(queue);
    }
    return dropped;
  }

  #removeRoom(queue: RoomQueue): void {
    clearTimeout(queue.timer);
    this.#ready.delete(queue);
    this.#rooms.delete(queue.room);
  }

  #removed({ bytes }: QueuedEvent): void {
    this.#size -= 1;
    this.#bytes -= bytes;
  }
}

function firstSeq({ events: [first] }: RoomQueue): number {
  return first?.seq ?? Number.POSITIVE_INFINITY;
}
