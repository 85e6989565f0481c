/** The chat of one room: who may write, who is sent what, and the history for those who join late or were away. */
import { randomBytes } from 'node:crypto';
import { WeirError } from '../../shared/errors.ts';
import type { ChatInfo, ChatMessageInfo, ChatPeer, ChatState, Grants, RoomKind } from '../../shared/protocol.ts';
import { ChatHistory, type ChatPage } from './ChatHistory.ts';
import { ChatLimits } from './ChatLimits.ts';
import type { Participant } from './Participant.ts';
import type { RoomEvents } from './RoomEvents.ts';
import type { SlidingWindowLimitOptions } from './SlidingWindowLimit.ts';

export interface ChatSettings {
  /** How many messages are kept. */
  readonly history: number;
  /** Time between two messages of a viewer of a broadcast, in milliseconds; 0 without slow mode. */
  readonly slowMode: number;
  /** Whether viewers of a broadcast may write. */
  readonly viewersMayWrite: boolean;
}

export interface ChatOptions {
  readonly kind: RoomKind;
  readonly settings: ChatSettings;
  readonly events: RoomEvents;
  /** Those in the room, by id. */
  readonly participants: ReadonlyMap<string, Participant>;
  /** Its state when everybody had left. */
  readonly snapshot?: ChatSnapshot | undefined;
  /** Of each identity; see `ChatLimits`. */
  readonly rateLimit?: SlidingWindowLimitOptions | undefined;
}

/** State of the chat of a broadcast that everybody has left. */
export interface ChatSnapshot {
  readonly id: string;
  readonly history: ChatHistory;
  readonly seq: number;
}

/** What a message of the history may take on average. */
const BYTES_PER_MESSAGE = 2048;

/** Whom a message is for, beside the one who has sent or changed it. A private one is for sessions of two identities. */
export function isForIdentity({ from, to }: ChatMessageInfo, identity: string | undefined): boolean {
  return to === undefined || identity === from.identity || identity === to.identity;
}

export class Chat {
  readonly #options: ChatOptions;
  readonly #id: string;
  readonly #history: ChatHistory;
  readonly #limits: ChatLimits;
  /** Of the last message or change. */
  #seq: number;

  constructor(options: ChatOptions) {
    const { settings, snapshot, rateLimit } = options;
    this.#options = options;
    this.#id = snapshot?.id ?? newId();
    this.#history =
      snapshot?.history ?? new ChatHistory({ messages: settings.history, bytes: settings.history * BYTES_PER_MESSAGE });
    this.#seq = snapshot?.seq ?? 0;
    this.#limits = new ChatLimits({ slowMode: settings.slowMode, perPeer: rateLimit });
    options.events.on({
      grantsChanged: ({ participant, before }) => {
        const state = this.#stateOf(participant.grants);
        const { enabled, slowSeconds } = this.#stateOf(before);
        if (state.enabled === enabled && state.slowSeconds === slowSeconds) return;
        options.events.emit('chatStateChanged', { participant, state });
      },
    });
  }

  /** What is restored when somebody comes back after everybody has left. */
  get snapshot(): ChatSnapshot {
    return { id: this.#id, history: this.#history, seq: this.#seq };
  }

  /** What a participant is told of the chat when it joins or resumes. */
  infoFor({ grants }: Participant): ChatInfo {
    return { chatId: this.#id, seq: this.#seq, ...this.#stateOf(grants) };
  }

  /**
   * Sends a message.
   * @param to the id of the participant whom it is for; to all if missing
   * @param nonce a message of this identity under the same nonce is returned instead
   * @throws {WeirError} `forbidden`, `notFound`, `badRequest`, `rateLimited`
   */
  send(author: Participant, { text, to, nonce }: SentText): ChatMessageInfo {
    this.#assertMayWrite(author);
    const known = nonce === undefined ? undefined : this.#history.find(author.identity, nonce);
    if (known) return known;
    const recipient = to === undefined ? undefined : this.#requireRecipient(author, to);
    this.#limits.takeMessage(author.identity, this.#isViewer(author.grants));
    const seq = this.#seq + 1;
    const message: ChatMessageInfo = {
      id: newId(),
      seq,
      changedSeq: seq,
      at: Date.now(),
      from: chatPeerOf(author),
      ...(recipient && { to: chatPeerOf(recipient) }),
      text,
    };
    this.#apply(author, message, nonce);
    return message;
  }

  /** Changes the text of a message. @throws {WeirError} `notFound`, `forbidden`, `rateLimited` */
  edit(participant: Participant, id: string, text: string): ChatMessageInfo {
    this.#assertMayWrite(participant);
    const { message, nonce } = this.#requireMessage(participant, id);
    if (message.from.identity !== participant.identity) {
      throw new WeirError('forbidden', 'Only its author can edit a message.');
    }
    if (message.deleted) throw new WeirError('notFound', 'This message has been deleted.');
    if (message.text === text) return message;
    this.#limits.takeChange(participant.identity);
    return this.#apply(participant, { ...message, changedSeq: this.#seq + 1, text, edited: true }, nonce);
  }

  /** Deletes a message; its place remains. @throws {WeirError} `notFound`, `forbidden`, `rateLimited` */
  delete(participant: Participant, id: string): ChatMessageInfo {
    const { message, nonce } = this.#requireMessage(participant, id);
    if (message.from.identity !== participant.identity && !participant.grants.roomAdmin) {
      throw new WeirError('forbidden', 'Only its author or an administrator can delete a message.');
    }
    if (message.deleted) return message;
    if (!participant.grants.roomAdmin) this.#limits.takeChange(participant.identity);
    const { edited: _, ...rest } = message;
    return this.#apply(participant, { ...rest, changedSeq: this.#seq + 1, text: '', deleted: true }, nonce);
  }

  /** What is new or has changed after a number, of what a participant may see. */
  page({ identity }: Participant, after: number): ChatPage {
    return this.#history.page(after, this.#seq, (message) => isForIdentity(message, identity));
  }

  #apply(by: Participant, message: ChatMessageInfo, nonce: string | undefined): ChatMessageInfo {
    this.#seq = message.changedSeq;
    this.#history.set({ message, nonce });
    this.#options.events.emit('chatMessage', { message, by });
    return message;
  }

  #isViewer({ hidden, roomAdmin }: Grants): boolean {
    return this.#options.kind === 'broadcast' && hidden && !roomAdmin;
  }

  #stateOf(grants: Grants): ChatState {
    const { kind, settings } = this.#options;
    const isViewer = this.#isViewer(grants);
    return {
      enabled: kind !== 'diagnosis' && (isViewer ? settings.viewersMayWrite : grants.canPublishData),
      slowSeconds: isViewer ? settings.slowMode / 1000 : 0,
    };
  }

  #assertMayWrite({ grants }: Participant): void {
    if (!this.#stateOf(grants).enabled) throw new WeirError('forbidden', 'You may not write in this chat.');
  }

  /** A hidden participant does not find out who else is hidden. */
  #requireRecipient(author: Participant, id: string): Participant {
    if (id === author.id) throw new WeirError('badRequest', 'A private message cannot be for its sender.');
    const recipient = this.#options.participants.get(id);
    if (!recipient || (author.grants.hidden && recipient.grants.hidden)) {
      throw new WeirError('notFound', 'The one whom this message is for is not in the room.');
    }
    return recipient;
  }

  #requireMessage({ identity }: Participant, id: string) {
    const entry = this.#history.get(id);
    if (entry && isForIdentity(entry.message, identity)) return entry;
    throw new WeirError('notFound', 'There is no message of that id, or it is not kept any more.');
  }
}

export interface SentText {
  readonly text: string;
  readonly to?: string | undefined;
  readonly nonce?: string | undefined;
}

/** 96 random bits. */
function newId(): string {
  return randomBytes(12).toString('base64url');
}

function chatPeerOf({ id, identity, info }: Participant): ChatPeer {
  return { peerId: id, identity, name: info.name };
}
