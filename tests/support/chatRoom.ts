/** The server's part of a chat, with participants that record what they are sent. */
import { pino } from 'pino';
import { expect } from 'vitest';
import { grantsOf, normalizeGrants } from '../../server/auth/grants.ts';
import { Chat, type ChatSettings, type ChatSnapshot } from '../../server/room/Chat.ts';
import type { EventSink } from '../../server/room/EventSink.ts';
import { Notifier } from '../../server/room/Notifier.ts';
import type { Participant } from '../../server/room/Participant.ts';
import { RoomEvents } from '../../server/room/RoomEvents.ts';
import type { ChatMessageInfo, Grants, Role, RoomKind, ServerEvents } from '../../shared/protocol.ts';

/** A participant that records the chat events that it is sent. */
export class Writer implements Participant, EventSink {
  readonly id: string;
  readonly identity: string;
  grants: Grants;
  readonly received: ChatMessageInfo[] = [];
  readonly states: ServerEvents['chatStateChanged'][] = [];

  constructor(id: string, identity: string, grants: Grants) {
    this.id = id;
    this.identity = identity;
    this.grants = grants;
  }

  get info() {
    const { id: peerId, identity } = this;
    return {
      peerId,
      identity,
      name: `Name of ${identity}`,
      sources: {},
      hand: false,
      away: false,
      canExchangeData: true,
    };
  }

  setGrants(grants: Grants): void {
    this.grants = grants;
  }

  notify<E extends keyof ServerEvents>(event: E, data: ServerEvents[E]): void;
  notify(...[event, data]: { [E in keyof ServerEvents]: [E, ServerEvents[E]] }[keyof ServerEvents]): void {
    if (event === 'chatMessages') this.received.push(...data.messages);
    if (event === 'chatStateChanged') this.states.push(data);
  }

  close(): void {}
  onEnd(): void {}
}

const usual: ChatSettings = { history: 500, slowMode: 5000, viewersMayWrite: true };

export function openChat(kind: RoomKind = 'call', settings: Partial<ChatSettings> = {}, snapshot?: ChatSnapshot) {
  const participants = new Map<string, Writer>();
  const events = new RoomEvents(pino({ level: 'silent' }));
  const notifier = new Notifier(events);
  const chat = new Chat({ kind, settings: { ...usual, ...settings }, events, participants, snapshot });
  return {
    chat,
    /** One more joins, with that identity. */
    enter(id: string, role: Role = 'speaker', identity = id): Writer {
      const writer = new Writer(id, identity, normalizeGrants(kind, grantsOf(role)));
      participants.set(id, writer);
      notifier.add(writer, writer);
      return writer;
    },
    leave: ({ id }: Writer) => participants.delete(id),
    setGrants(participant: Writer, grants: Partial<Grants>) {
      const before = participant.grants;
      participant.setGrants(normalizeGrants(kind, { ...before, ...grants }));
      events.emit('grantsChanged', { participant, before });
    },
    textsFor: (who: Writer, after = 0) => chat.page(who, after).messages.map(({ text }) => text),
  };
}

export const refusal = (code: string, message: unknown = expect.any(String)) =>
  expect.objectContaining({ code, message });
