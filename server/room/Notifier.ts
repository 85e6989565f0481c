/** The event sinks of one room, and who of them is sent an event of the client protocol. */
import type { ServerEvents } from '../../shared/protocol.ts';
import type { EventSink } from './EventSink.ts';
import type { Participant } from './Participant.ts';

export class Notifier {
  readonly #sinks = new Map<EventSink, Participant | undefined>();

  /** @param participant whose sink it is: it is not sent events about itself. Without one, the sink is sent all events */
  add(sink: EventSink, participant?: Participant): void {
    this.#sinks.set(sink, participant);
  }

  remove(sink: EventSink): void {
    this.#sinks.delete(sink);
  }

  /** Removes all sinks. */
  clear(): void {
    this.#sinks.clear();
  }

  notifyAll<E extends keyof ServerEvents>(event: E, data: ServerEvents[E]): void {
    for (const sink of this.#sinks.keys()) sink.notify(event, data);
  }

  /** Everyone but that participant. */
  notifyOthers<E extends keyof ServerEvents>(participant: Participant, event: E, data: ServerEvents[E]): void {
    for (const [sink, owner] of this.#sinks) if (owner !== participant) sink.notify(event, data);
  }

  /** Those that may administer the room. */
  notifyAdmins<E extends keyof ServerEvents>(event: E, data: ServerEvents[E]): void {
    for (const [sink, owner] of this.#sinks) if (owner?.grants.roomAdmin) sink.notify(event, data);
  }

  /** One participant, if it has a sink. */
  notify<E extends keyof ServerEvents>(participant: Participant, event: E, data: ServerEvents[E]): void {
    for (const [sink, owner] of this.#sinks) if (owner === participant) sink.notify(event, data);
  }
}
