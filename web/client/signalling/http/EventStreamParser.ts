/** Parses a stream of server-sent events (WHATWG HTML, section 9.2.6): the fields `event` and `data`. */

export interface StreamEvent {
  /** `message` by default. */
  readonly event: string;
  readonly data: string;
}

export class EventStreamParser {
  /** The beginning of a line whose end has not come yet. */
  #rest = '';
  #event = '';
  #data: string[] = [];

  /** Takes a piece of the stream, of any length. @returns the events that it completes */
  feed(piece: string): StreamEvent[] {
    // A carriage return may be one half of a line's end.
    const lines = (this.#rest + piece).split(/\r\n|\n|\r(?!$)/);
    this.#rest = lines.pop() ?? '';
    const events: StreamEvent[] = [];
    for (const line of lines) {
      if (line === '') {
        if (this.#data.length > 0) events.push({ event: this.#event || 'message', data: this.#data.join('\n') });
        this.#event = '';
        this.#data = [];
        continue;
      }
      const [, name, value = ''] = /^([^:]*)(?:: ?(.*))?$/s.exec(line) ?? [];
      if (name === 'event') this.#event = value;
      if (name === 'data') this.#data.push(value);
    }
    return events;
  }
}
