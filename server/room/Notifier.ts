/**
 * The event sinks of one room, and which events of the client protocol each is sent when something happens in the room.
 */
import type { ChatMessageInfo, ServerEvents } from '../../shared/protocol.ts';
import { mayExchangeData } from '../../shared/roles.ts';
import { isForIdentity } from './Chat.ts';
import type { EventSink } from './EventSink.ts';
import type { Participant } from './Participant.ts';
import type { RoomEventSource } from './RoomEvents.ts';

export class Notifier {
  readonly #sinks = new Map<EventSink, Participant | undefined>();

  constructor(events: RoomEventSource) {
    events.on({
      joined: ({ participant }) => this.#notifyOthers(participant, 'newPeer', participant.info),
      left: ({ participant, reason }) => {
        // When the server closes, each client is notified by its own connection: nobody should see the others leave
        // first.
        if (reason === 'serverClosing') return;
        this.#notifyOthers(participant, 'peerClosed', { peerId: participant.id, reason });
      },
      grantsChanged: ({ participant, before }) => {
        const { id: peerId, grants, info } = participant;
        if (before.hidden && !grants.hidden) this.#notifyOthers(participant, 'newPeer', info);
        else if (!before.hidden && grants.hidden) this.#send(participant, 'peerClosed', { peerId, reason: 'left' });
        else if (mayExchangeData(before) !== mayExchangeData(grants)) {
          // One without data channels never may.
          this.#notifyOthers(participant, 'peerGrants', { peerId, canExchangeData: info.canExchangeData });
        }
      },
      infoChanged: ({ participant }) => {
        const { peerId, name, metadata } = participant.info;
        this.#notifyOthers(participant, 'peerInfo', { peerId, name, metadata });
        this.notify(participant, 'peerInfo', { peerId, name, metadata });
      },
      sourcesChanged: ({ participant }) =>
        this.#notifyOthers(participant, 'peerSources', { peerId: participant.id, sources: participant.info.sources }),
      handChanged: ({ participant, raised }) =>
        this.#notifyOthers(participant, 'peerHand', { peerId: participant.id, raised }),
      awayChanged: ({ participant, away }) =>
        this.#notifyOthers(participant, 'peerAway', { peerId: participant.id, away }),
      videoProblem: ({ participant, problem }) =>
        this.#notifyOthers(participant, 'peerVideoProblem', { peerId: participant.id, problem }),
      reaction: ({ participant, reaction }) =>
        this.#notifyOthers(participant, 'reaction', { peerId: participant.id, reaction }),
      chatMessage: ({ message, by }) => this.#notifyOfChat(message, by),
      chatStateChanged: ({ participant, state }) => this.notify(participant, 'chatStateChanged', state),
      slotsChanged: ({ slots }) => this.notifyAll('slots', { slots }),
      broadcastChanged: ({ broadcast }) => this.notifyAll('broadcastChanged', broadcast),
      handsChanged: ({ hands }) => this.notifyAdmins('handsChanged', hands),
      waitingChanged: ({ waiting }) => this.notifyAdmins('waitingChanged', waiting),
      settingsChanged: ({ settings: { locked, waitingRoom }, before }) => {
        const isChanged = locked !== before.locked || waitingRoom !== before.waitingRoom;
        if (isChanged) this.notifyAll('roomAccessChanged', { locked, waitingRoom });
      },
      draining: ({ seconds }) => this.notifyAll('draining', { seconds }),
    });
  }

  /**
   * @param participant whose sink it is: it is not sent events about itself. Without one, the sink is sent all events
   * @returns what removes the sink
   */
  add(sink: EventSink, participant?: Participant): () => void {
    this.#sinks.set(sink, participant);
    return () => this.#sinks.delete(sink);
  }

  /** Removes all sinks. */
  clear(): void {
    this.#sinks.clear();
  }

  notifyAll<E extends keyof ServerEvents>(event: E, data: ServerEvents[E]): void {
    for (const sink of this.#sinks.keys()) sink.notify(event, data);
  }

  /** Notifies one participant, if it has a sink. */
  notify<E extends keyof ServerEvents>(participant: Participant, event: E, data: ServerEvents[E]): void {
    for (const [sink, owner] of this.#sinks) if (owner === participant) sink.notify(event, data);
  }

  /** Notifies those who may administer the room. */
  notifyAdmins<E extends keyof ServerEvents>(event: E, data: ServerEvents[E]): void {
    for (const [sink, owner] of this.#sinks) if (owner?.grants.roomAdmin) sink.notify(event, data);
  }

  /** Notifies everyone but a participant of something about it, unless it is hidden from them. */
  #notifyOthers<E extends keyof ServerEvents>(participant: Participant, event: E, data: ServerEvents[E]): void {
    if (!participant.grants.hidden) this.#send(participant, event, data);
  }

  /** Whoever has sent or changed it has the reply. */
  #notifyOfChat(message: ChatMessageInfo, by: Participant): void {
    const data = { messages: [message] };
    for (const [sink, owner] of this.#sinks) {
      if (owner !== by && isForIdentity(message, owner?.identity)) sink.notify('chatMessages', data);
    }
  }

  #send<E extends keyof ServerEvents>(participant: Participant, event: E, data: ServerEvents[E]): void {
    for (const [sink, owner] of this.#sinks) if (owner !== participant) sink.notify(event, data);
  }
}
