/** The messages of a chat as they are shown: in order, each once, as last changed. */
import type { ChatMessageInfo, ChatPeer } from '../../../shared/protocol.ts';
import type { ChatMessage, Notify } from '../events.ts';

/** A message that the server has. */
interface SentEntry {
  /** Of rooms with the same name, one after another: the first one is 0. */
  readonly room: number;
  readonly info: ChatMessageInfo;
  readonly message: ChatMessage;
}

/** How many messages are kept. */
const MAX_MESSAGES = 2000;

export class ChatMessages {
  /** Is called after each change. */
  notify: Notify;
  /** The identity that is ours. */
  identity: string | undefined;
  /** In the order of `room` and `info.seq`. */
  readonly #sent: SentEntry[] = [];
  readonly #byServerId = new Map<string, SentEntry>();
  /** Server ids of messages that were deleted before we had them. */
  readonly #deletedIds = new Set<string>();
  /** Ours, by the id that we have given them, in the order in which they were written. */
  readonly #unsent = new Map<string, ChatMessage>();
  #all: readonly ChatMessage[] | undefined;
  #room = 0;
  /** The number at which we joined the room; what has one up to it is history. */
  #joinedSeq = 0;
  /** Messages of this room up to this number were dropped again. */
  #droppedSeq = 0;

  constructor(notify: Notify) {
    this.notify = notify;
  }

  get all(): readonly ChatMessage[] {
    this.#all ??= [...this.#sent.map(({ message }) => message), ...this.#unsent.values()];
    return this.#all;
  }

  /** Ours that the server does not have, as far as we know. */
  get unsent(): readonly ChatMessage[] {
    return [...this.#unsent.values()];
  }

  getUnsent(id: string): ChatMessage | undefined {
    return this.#unsent.get(id);
  }

  /** The server's id of a message; undefined if it has not been sent. */
  serverId(id: string): string | undefined {
    return this.#sent.find(({ message }) => message.id === id)?.info.id;
  }

  /** The author of a message, by the peer id that they had then. */
  author(peerId: string): ChatPeer | undefined {
    return this.#sent.findLast(({ info }) => info.from.peerId === peerId)?.info.from;
  }

  /** What follows is of another room. @param joinedSeq the number at which we joined it */
  beginRoom(isFirst: boolean, joinedSeq: number): void {
    if (!isFirst) this.#room += 1;
    this.#joinedSeq = joinedSeq;
    this.#droppedSeq = 0;
  }

  /** Begins to show a message of ours. */
  addUnsent(message: ChatMessage): void {
    this.#unsent.set(message.id, message);
    this.#all = undefined;
    this.notify('chatMessage', { message, isHistory: false });
  }

  /** Changes one of ours that has not been sent; nothing if it has, or was removed. */
  updateUnsent(message: ChatMessage): void {
    if (!this.#unsent.has(message.id)) return;
    this.#unsent.set(message.id, message);
    this.#changed(message);
  }

  removeUnsent(message: ChatMessage): void {
    this.#unsent.delete(message.id);
    this.#changed({ ...message, deleted: true });
  }

  /**
   * Adds a message as the server has it, or changes the one that is shown. An older state than the present one is ignored.
   * @param ownId the id under which we show it, if we have sent it
   */
  put(info: ChatMessageInfo, ownId?: string): void {
    if (ownId !== undefined) this.#unsent.delete(ownId);
    const known = this.#byServerId.get(info.id);
    if (!known) this.#insert(info, ownId);
    else if (info.changedSeq > known.info.changedSeq) this.#replace(known, info, ownId ?? known.message.id);
    // The history was faster than the reply to the message that we had sent again.
    else if (ownId !== undefined) this.#replace(known, known.info, ownId);
  }

  #replace(known: SentEntry, info: ChatMessageInfo, id: string): void {
    const entry = { room: known.room, info, message: this.#messageOf(info, id) };
    this.#sent[this.#sent.indexOf(known)] = entry;
    this.#byServerId.set(info.id, entry);
    this.#changed(entry.message);
  }

  #insert(info: ChatMessageInfo, ownId: string | undefined): void {
    if (info.seq <= this.#droppedSeq || this.#deletedIds.has(info.id)) return;
    if (info.deleted && ownId === undefined) {
      this.#rememberDeleted(info.id);
      return;
    }
    const entry = { room: this.#room, info, message: this.#messageOf(info, ownId ?? info.id) };
    const before = this.#sent.findLastIndex(
      ({ room, info: { seq } }) => room < entry.room || (room === entry.room && seq < info.seq),
    );
    this.#sent.splice(before + 1, 0, entry);
    this.#byServerId.set(info.id, entry);
    this.#drop();
    this.#all = undefined;
    const { message } = entry;
    if (ownId !== undefined) this.notify('chatChanged', message);
    else this.notify('chatMessage', { message, isHistory: info.seq <= this.#joinedSeq });
  }

  /** It was deleted before it came here, and is not shown. An older state may still come: a reply overtakes events. */
  #rememberDeleted(id: string): void {
    this.#deletedIds.add(id);
    const [oldest] = this.#deletedIds;
    if (oldest !== undefined && this.#deletedIds.size > MAX_MESSAGES) this.#deletedIds.delete(oldest);
  }

  #drop(): void {
    const [oldest] = this.#sent;
    if (!oldest || this.#sent.length <= MAX_MESSAGES) return;
    this.#sent.shift();
    this.#byServerId.delete(oldest.info.id);
    if (oldest.room === this.#room) this.#droppedSeq = oldest.info.seq;
  }

  #changed(message: ChatMessage): void {
    this.#all = undefined;
    this.notify('chatChanged', message);
  }

  #messageOf(info: ChatMessageInfo, id: string): ChatMessage {
    const { at, from, to, text, edited = false, deleted = false } = info;
    const own = from.identity === this.identity;
    return { id, at, from, ...(to && { to }), text, edited, deleted, own, state: 'sent' };
  }
}
