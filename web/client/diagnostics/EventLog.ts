/** Events in their order, with a limit to the memory that they take: the oldest are dropped first. */

export interface LogEvent {
  /** Milliseconds since 1970. */
  readonly time: number;
  readonly type: string;
  readonly value: string;
}

/** What an event takes besides its value, in characters. */
const OVERHEAD = 100;

export class EventLog {
  readonly #limit: number;
  #events: LogEvent[] = [];
  #size = 0;

  /** @param limit how many characters all events may have together */
  constructor(limit: number) {
    this.#limit = limit;
  }

  get events(): readonly LogEvent[] {
    return this.#events;
  }

  add(type: string, value = ''): void {
    this.#events.push({ time: Date.now(), type, value });
    this.#size += OVERHEAD + value.length;
    if (this.#size <= this.#limit) return;
    // A quarter at once, since each removal copies the list.
    let count = 0;
    for (; count < this.#events.length && this.#size > this.#limit * 0.75; count += 1) {
      this.#size -= OVERHEAD + (this.#events[count]?.value.length ?? 0);
    }
    this.#events = this.#events.slice(count);
  }
}
