/** The chat of a room as a member sees it. The log of its messages is loaded when a session begins. */
import type { ChatInfo, ChatMessageInfo, ChatState } from '../../shared/protocol.ts';
import type { ChatLog, ChatLogOptions } from './chat/ChatLog.ts';
import type { ChatMessage } from './events.ts';
import { localError } from './localError.ts';

/** The members of `Chat` that an application uses. */
export type ChatApi = Pick<
  Chat,
  'messages' | 'enabled' | 'slowSeconds' | 'truncated' | 'send' | 'retry' | 'edit' | 'remove' | 'continueFrom'
>;

export class Chat {
  readonly #options: ChatLogOptions;
  #state: ChatState = { enabled: false, slowSeconds: 0 };
  #loading: Promise<ChatLog> | undefined;
  #log: ChatLog | undefined;
  /** Of the last reply, until the log has it. */
  #info: ChatInfo | undefined;

  constructor(options: ChatLogOptions) {
    this.#options = options;
  }

  /** The listeners of the server's events about the chat. */
  readonly listeners = {
    chatMessages: ({ messages }: { messages: ChatMessageInfo[] }) => this.#use((log) => log.add(messages)),
    chatStateChanged: (state: ChatState) => this.#setState(state),
  };

  /** In their order; those that have not been sent are the last. */
  get messages(): readonly ChatMessage[] {
    return this.#log?.messages ?? [];
  }

  /** Whether we may write. */
  get enabled(): boolean {
    return this.#state.enabled;
  }

  /** How many seconds have to pass between two messages of ours; 0 without slow mode. */
  get slowSeconds(): number {
    return this.#state.slowSeconds;
  }

  /** Whether there were earlier messages, which the server does not keep any more. */
  get truncated(): boolean {
    return this.#log?.truncated ?? false;
  }

  /**
   * Sends a message. It is among `messages` at once, and in its place when this resolves. While the connection is lost it
   * waits, and it is sent once.
   * @param text at most 4000 characters (code points), with line breaks, without markup
   * @param options.to peer id of the one whom a private message is for
   * @throws {WeirError} `badRequest` for a text that cannot be sent; otherwise the message has `failed`, see `retry`: with
   *   `forbidden`, `rateLimited` (try again after `retryAfter` seconds), `notFound` if the one whom it is for has left, ...
   */
  async send(text: string, { to }: { to?: string } = {}): Promise<void> {
    await (await this.#load()).send(text, to);
  }

  /** Sends a message again that has failed. @throws {WeirError} as `send`; `notFound` */
  async retry(id: string): Promise<void> {
    await (await this.#load()).retry(id);
  }

  /** Changes the text of a message of ours. @throws {WeirError} `badRequest`, `forbidden`, `notFound`, `rateLimited` */
  async edit(id: string, text: string): Promise<void> {
    await (await this.#load()).edit(id, text);
  }

  /**
   * Deletes a message for everybody: one of ours, or with the grant `roomAdmin` anybody's. One that has failed is only
   * removed from `messages`.
   * @throws {WeirError} `forbidden`, `notFound`, `rateLimited`
   */
  async remove(id: string): Promise<void> {
    await (await this.#load()).remove(id);
  }

  /**
   * Takes over the messages of a session that has ended; call it before `join`, for a rejoin. If the room is still the
   * same, what was missed is added, and what had not been sent is sent.
   */
  continueFrom(former: ChatApi): void {
    if (!(former instanceof Chat) || !former.#log) return;
    this.#log = former.#log;
    this.#log.rebind(this.#options);
    this.#loading = Promise.resolve(this.#log);
  }

  /** What the reply to `join` or `resume` has. */
  sync(info: ChatInfo | undefined): void {
    if (!info) return;
    const { enabled, slowSeconds } = info;
    this.#setState({ enabled, slowSeconds });
    this.#info = info;
    this.#use((log) => this.#sync(log));
  }

  /** The connection is lost, or the session has ended. The messages remain. */
  pause(): void {
    if (this.#loading) this.#use((log) => log.pause());
  }

  #setState(state: ChatState): void {
    const { enabled, slowSeconds } = this.#state;
    if (state.enabled === enabled && state.slowSeconds === slowSeconds) return;
    this.#state = state;
    this.#options.notify('chatStateChanged', state);
  }

  #sync(log: ChatLog): void {
    if (this.#info) log.sync(this.#info);
    this.#info = undefined;
  }

  /** In the order of the calls. What is missed while the log cannot be loaded is in the history. */
  #use(action: (log: ChatLog) => void): void {
    this.#load().then(action, () => {});
  }

  #load(): Promise<ChatLog> {
    this.#loading ??= import('./chat/ChatLog.ts').then(
      ({ ChatLog }) => {
        const log = new ChatLog(this.#options);
        this.#log = log;
        this.#sync(log);
        return log;
      },
      (error: unknown) => {
        // The next message tries again.
        this.#loading = undefined;
        throw localError(error);
      },
    );
    return this.#loading;
  }
}
