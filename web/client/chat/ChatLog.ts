/** Keeps the messages of a chat complete over any number of connections and sessions, and sends ours once. */
import { WeirError } from '../../../shared/errors.ts';
import { type ChatInfo, type ChatMessageInfo, type ChatPeer, ChatText } from '../../../shared/protocol.ts';
import { validationSentence } from '../../../shared/validation.ts';
import type { ChatMessage, Notify } from '../events.ts';
import { localError } from '../localError.ts';
import type { Request } from '../Signalling.ts';
import { ChatMessages } from './ChatMessages.ts';

export interface ChatLogOptions {
  /** @throws {WeirError} `notJoined` */
  readonly request: Request;
  /** Is called after each change. */
  readonly notify: Notify;
  /** Who we are; undefined before the join. */
  readonly self: () => ChatPeer | undefined;
  readonly peer: (peerId: string) => ChatPeer | undefined;
}

/** How long after a failure the history is asked for again, in milliseconds. */
const RETRY_DELAY = 2000;
/** Errors that leave open whether the server has the message. */
const lostReplies: ReadonlySet<string> = new Set(['closed', 'notJoined', 'timeout']);

export class ChatLog {
  #options: ChatLogOptions;
  readonly #messages: ChatMessages;
  #truncated = false;
  #chatId: string | undefined;
  /** Up to this number of the room nothing is missing. */
  #seq = 0;
  /** The greatest number that has come by the present connection. */
  #liveSeq = 0;
  /** Whether all that comes by the present connection continues what we have. */
  #complete = false;
  /** Aborted when the connection that asks for the history is lost. */
  #fetching: AbortController | undefined;

  constructor(options: ChatLogOptions) {
    this.#options = options;
    this.#messages = new ChatMessages(options.notify);
  }

  get messages(): readonly ChatMessage[] {
    return this.#messages.all;
  }

  get truncated(): boolean {
    return this.#truncated;
  }

  /** A new session continues the former one. */
  rebind(options: ChatLogOptions): void {
    this.#options = options;
    this.#messages.notify = options.notify;
  }

  /** Asks for what is missing, with each new connection. */
  sync({ chatId, seq }: ChatInfo): void {
    this.#messages.identity = this.#options.self()?.identity;
    if (chatId === this.#chatId) this.#resend();
    else {
      const isFirst = this.#chatId === undefined;
      this.#chatId = chatId;
      this.#seq = 0;
      // Whoever rejoins was there before.
      this.#messages.beginRoom(isFirst, isFirst ? seq : 0);
    }
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
      this.#messages.put(info);
    }
    if (this.#complete) this.#setComplete();
  }

  async send(raw: string, to: string | undefined): Promise<void> {
    const text = parseText(raw);
    const from = this.#options.self();
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
    this.#messages.addUnsent(message);
    await this.#transmit(message);
  }

  async retry(id: string): Promise<void> {
    const message = this.#messages.getUnsent(id);
    if (!message) throw notFound();
    if (message.state === 'failed') await this.#transmitAgain(message);
  }

  async edit(id: string, text: string): Promise<void> {
    const data = { id: this.#serverId(id), text: parseText(text) };
    this.#messages.put(await this.#options.request('editChat', data));
  }

  async remove(id: string): Promise<void> {
    const unsent = this.#messages.getUnsent(id);
    if (!unsent) this.#messages.put(await this.#options.request('deleteChat', { id: this.#serverId(id) }));
    else if (unsent.state === 'failed') this.#messages.removeUnsent(unsent);
  }

  /** Sends a message under its id, so that the server takes it once only. */
  async #transmit(message: ChatMessage): Promise<void> {
    const { id: nonce, text, to } = message;
    try {
      const info = await this.#options.request('sendChat', { text, nonce, ...(to && { to: to.peerId }) });
      this.#messages.put(info, nonce);
    } catch (cause) {
      const error = localError(cause);
      this.#messages.updateUnsent({ ...message, state: 'failed', error });
      throw error;
    }
  }

  async #transmitAgain({ error: _, ...failed }: ChatMessage): Promise<void> {
    const message: ChatMessage = { ...failed, state: 'pending' };
    this.#messages.updateUnsent(message);
    await this.#transmit(message);
  }

  /** Sends what the former session may have lost. */
  #resend(): void {
    for (const message of this.#messages.unsent) {
      if (message.error && lostReplies.has(message.error.code)) this.#transmitAgain(message).catch(() => {});
    }
  }

  async #fetch(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      try {
        const { messages, seq, more, truncated } = await this.#options.request('getChat', { after: this.#seq });
        // The reply may be of the connection before, and older than what was missed since.
        if (signal.aborted) return;
        this.#truncated ||= truncated;
        for (const info of messages) this.#messages.put(info);
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

  /** The one whom a private message is for: a viewer of a broadcast is known only from what it has written. */
  #peer(peerId: string): ChatPeer {
    const known = this.#options.peer(peerId) ?? this.#messages.author(peerId);
    return { peerId, identity: known?.identity ?? '', name: known?.name ?? '' };
  }

  /** @throws {WeirError} `notFound` */
  #serverId(id: string): string {
    const serverId = this.#messages.serverId(id);
    if (serverId === undefined) throw notFound();
    return serverId;
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
