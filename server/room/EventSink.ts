/**
 * The role of whoever is sent the events of the client protocol: a browser's peer, or a link to another server node.
 */
import type { ServerEvents } from '../../shared/protocol.ts';

export interface EventSink {
  /** Sends an event, or drops it where nobody is connected: what counts is then in the next snapshot. */
  notify<E extends keyof ServerEvents>(event: E, data: ServerEvents[E]): void;
}
