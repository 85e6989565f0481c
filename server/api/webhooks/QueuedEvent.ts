/** An event that waits to be delivered to one URL. */

export interface QueuedEvent {
  /** Unique to event and URL; in the order of the events. */
  readonly seq: number;
  /** The URL, as `targetKey` makes it. */
  readonly target: string;
  /** Of the event. */
  readonly id: string;
  /** Of the event. */
  readonly type: string;
  /** With what it waits in order: the id of its room; empty for an event without one. */
  readonly room: string;
  /** Unix milliseconds of the event. */
  readonly time: number;
  /** JSON, the same at every attempt. */
  readonly body: string;
  /** Size of the body. */
  readonly bytes: number;
}
