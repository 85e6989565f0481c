/** The messages of a chat: in order, each once, over however many connections and sessions. */
import { WeirError } from '../../../shared/errors.ts';
import { type ChatInfo, type ChatMessageInfo, type ChatPeer, ChatText } from '../../../shared/protocol.ts';
import { validationSentence } from '../../../shared/validation.ts';
import type { ChatMessage, Notify } from '../events.ts';
import { localError } from '../localError.ts';
import type { Request } from '../Signalling.ts';

export interface ChatLogOptions {
  /** @throws {WeirError} `notJoined` */
  readonly request: Request;
  /** Is called after each change. */
  readonly notify: Notify;
  /** Who we are; undefined before the join. */
  readonly self: () => ChatPeer | undefined;
  readonly peer: (peerId: string) => ChatPeer | undefined;
}

/** A message that the server has. */
interface SentEntry {
  /** Of rooms with the same name, one after another: the first one is 0. */
  readonly room: number;
  readonly info: ChatMessageInfo;
  message: ChatMessage;
}

/** How many messages are kept. */
const MAX_MESSAGES = 2000;
/** How long after a failure the history is asked for again, in milliseconds. */
const RETRY_DELAY = 2000;
/** Errors that leave open whether the server has the message. */
const lostReplies: ReadonlySet<string> = new Set(['closed', 'notJoined', 'timeout']);

export class ChatLog {
  /** Of the present session. */
  options: ChatLogOptions;
  /** In the order of `room` and `info.seq`. */
  readonly #sent: SentEntry[] = [];
  readonly #byServerId = new Map<string, SentEntry>();
  /** Ours, by the id that we have given them, in the order in which they were written. */
  readonly #unsent = new Map<string, ChatMessage>();
  #messages: readonly ChatMessage[] | undefined;
  #truncated = false;
  #chatId: string | undefined;
  #room = 0;
  /** Up to this number of the room nothing is missing. */
  #seq = 0;
  /** The greatest number that has come by the present connection. */
  #liveSeq = 0;
  /** The number at which we joined. */
  #joinedSeq = 0;
  /** Messages of this room up to this number were dropped again. */
  #droppedSeq = 0;
  /** Whether all that comes by the present connection continues what we have. */
  #complete = false;
  /** Aborted when the connection that asks for the history is lost. */
  #fetching: AbortController | undefined;

  constructor(options: ChatLogOptions) {
    this.options = options;
  }

  get messages(): readonly ChatMessage[] {
    this.#messages ??= [...this.#sent.map(({ message }) => message), ...this.#unsent.values()];
    return this.#messages;
  }

  get truncated(): boolean {
    return this.#truncated;
  }

  /** Asks for what is missing, with each new connection. */
  sync({ chatId, seq }: ChatInfo): void {
    const isFirst = this.#chatId === undefined;
    if (chatId !== this.#chatId) {
      if (!isFirst) this.#room += 1;
      this.#chatId = chatId;
      this.#seq = 0;
      this.#droppedSeq = 0;
      this.#joinedSeq = isFirst ? seq : 0;
    } else this.#resend();
    if (seq <= this.#seq) {
      this.#setComplete();
      return;
    }
    const fetching = new AbortController();
    this.#fetching = fetching;
    void this.#fetch(fetching.signal);
  }

  /** There is no connection: something will be missing. Events of the next one may come before its `sync`. */
  pause(): void {
    this.#fetching?.abort();
    this.#fetching = undefined;
    this.#complete = false;
    this.#liveSeq = 0;
  }

  /** Adds messages, or changes those that are known. */
  add(infos: readonly ChatMessageInfo[]): void {
    for (const info of infos) {
      this.#liveSeq = Math.max(this.#liveSeq, info.changedSeq);
      this.#put(info);
    }
    if (this.#complete) this.#setComplete();
  }

  async send(raw: string, to: string | undefined): Promise<void> {
    const text = parseText(raw);
    const from = this.options.self();
    if (!from) throw new WeirError('notJoined', 'Join a room first.');
    const message: ChatMessage = {
      id: newNonce(),
      at: Date.now(),
      from,
      ...(to !== undefined && { to: this.#peer(to) }),
      text,
      edited: false,
      deleted: false,
      own: true,
      state: 'pending',
    };
    this.#setUnsent(message);
    this.options.notify('chatMessage', { message, isHistory: false });
    await this.#transmit(message);
  }

  async retry(id: string): Promise<void> {
    const message = this.#unsent.get(id);
    if (!message) throw notFound();
    if (message.state === 'failed') await this.#transmit(message);
  }

  async edit(id: string, text: string): Promise<void> {
    this.#put(await this.options.request('editChat', { id: this.#serverId(id), text: parseText(text) }));
  }

  async remove(id: string): Promise<void> {
    const unsent = this.#unsent.get(id);
    if (!unsent) this.#put(await this.options.request('deleteChat', { id: this.#serverId(id) }));
    else if (unsent.state === 'failed') {
      this.#unsent.delete(id);
      this.#changed({ ...unsent, deleted: true });
    }
  }

  /** Sends a message under its id, so that the server takes it once only. */
  async #transmit({ error: _, ...message }: ChatMessage): Promise<void> {
    const { id: nonce, text, to } = message;
    if (message.state === 'failed') this.#changed(this.#setUnsent({ ...message, state: 'pending' }));
    try {
      const info = await this.options.request('sendChat', { text, nonce, ...(to && { to: to.peerId }) });
      this.#unsent.delete(nonce);
      this.#put(info, nonce);
    } catch (cause) {
      const error = localError(cause);
      if (this.#unsent.has(nonce)) this.#changed(this.#setUnsent({ ...message, state: 'failed', error }));
      throw error;
    }
  }

  /** Sends what the former session may have lost. */
  #resend(): void {
    for (const message of this.#unsent.values()) {
      if (message.error && lostReplies.has(message.error.code)) this.#transmit(message).catch(() => {});
    }
  }

  async #fetch(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      try {
        const { messages, seq, more, truncated } = await this.options.request('getChat', { after: this.#seq });
        if (signal.aborted) return;
        this.#truncated ||= truncated;
        for (const info of messages) this.#put(info);
        this.#seq = seq;
        if (more) continue;
        this.#setComplete();
        return;
      } catch (error) {
        if (error instanceof WeirError && (error.code === 'closed' || error.code === 'notJoined')) return;
        await new Promise((resolve) => setTimeout(resolve, RETRY_DELAY));
      }
    }
  }

  #setComplete(): void {
    this.#complete = true;
    this.#seq = Math.max(this.#seq, this.#liveSeq);
  }

  /** @param ownId the id under which we know it, if we have sent it */
  #put(info: ChatMessageInfo, ownId?: string): void {
    const known = this.#byServerId.get(info.id);
    if (known && ownId === undefined) {
      if (info.changedSeq > known.info.changedSeq) this.#replace(known, info, known.message.id);
    } else if (known && ownId !== undefined) {
      // The history was faster than the reply to the message that we had sent again.
      this.#replace(known, info.changedSeq > known.info.changedSeq ? info : known.info, ownId);
    } else this.#insert(info, ownId);
  }

  #replace(known: SentEntry, info: ChatMessageInfo, id: string): void {
    const entry = { room: known.room, info, message: this.#messageOf(info, id) };
    this.#sent[this.#sent.indexOf(known)] = entry;
    this.#byServerId.set(info.id, entry);
    this.#changed(entry.message);
  }

  #insert(info: ChatMessageInfo, ownId: string | undefined): void {
    // Nobody has seen what was deleted before it came here.
    if (info.seq <= this.#droppedSeq || (info.deleted && ownId === undefined)) return;
    const entry = { room: this.#room, info, message: this.#messageOf(info, ownId ?? info.id) };
    const before = this.#sent.findLastIndex(
      ({ room, info: { seq } }) => room < entry.room || (room === entry.room && seq < info.seq),
    );
    this.#sent.splice(before + 1, 0, entry);
    this.#byServerId.set(info.id, entry);
    this.#drop();
    const { message } = entry;
    if (ownId === undefined) {
      this.#messages = undefined;
      this.options.notify('chatMessage', { message, isHistory: info.seq <= this.#joinedSeq });
    } else this.#changed(message);
  }

  #drop(): void {
    const [oldest] = this.#sent;
    if (!oldest || this.#sent.length <= MAX_MESSAGES) return;
    this.#sent.shift();
    this.#byServerId.delete(oldest.info.id);
    if (oldest.room === this.#room) this.#droppedSeq = oldest.info.seq;
  }

  #changed(message: ChatMessage): void {
    this.#messages = undefined;
    this.options.notify('chatChanged', message);
  }

  #setUnsent(message: ChatMessage): ChatMessage {
    this.#unsent.set(message.id, message);
    this.#messages = undefined;
    return message;
  }

  #messageOf(info: ChatMessageInfo, id: string): ChatMessage {
    const { at, from, to, text, edited = false, deleted = false } = info;
    const own = from.identity === this.options.self()?.identity;
    return { id, at, from, ...(to && { to }), text, edited, deleted, own, state: 'sent' };
  }

  /** The one whom a private message is for: a viewer of a broadcast is known only from what it has written. */
  #peer(peerId: string): ChatPeer {
    const known = this.options.peer(peerId) ?? this.#sent.find(({ info }) => info.from.peerId === peerId)?.info.from;
    return { peerId, identity: known?.identity ?? '', name: known?.name ?? '' };
  }

  /** @throws {WeirError} `notFound` */
  #serverId(id: string): string {
    const entry = this.#sent.find(({ message }) => message.id === id);
    if (!entry) throw notFound();
    return entry.info.id;
  }
}

/** @throws {WeirError} `badRequest` */
function parseText(raw: string): string {
  const parsed = ChatText.safeParse(raw);
  if (!parsed.success) throw new WeirError('badRequest', validationSentence(parsed.error, 'The message'));
  return parsed.data;
}

function notFound(): WeirError {
  return new WeirError('notFound', 'There is no message of that id, or it has not been sent.');
}

/** A random id; `randomUUID` exists on secure pages only. */
function newNonce(): string {
  return Array.from(crypto.getRandomValues(new Uint32Array(4)), (part) => part.toString(36)).join('-');
}
