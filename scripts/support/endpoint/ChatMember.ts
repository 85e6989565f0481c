/** A member of a room without media, which writes and reads its chat: with the SDK's own chat and signalling. */
import type { CloseReason } from '../../../shared/closeReasons.ts';
import type { ChatPeer, Role, RoomKind } from '../../../shared/protocol.ts';
import { Chat } from '../../../web/client/Chat.ts';
import type { RoomClientEvents } from '../../../web/client/events.ts';
import { SignalSession } from '../../../web/client/signalling/SignalSession.ts';
import { receiveCapabilities } from './parameters.ts';

export interface ChatMemberOptions {
  readonly url: string;
  readonly room: string;
  readonly name: string;
  /** Default a call. Kind and role are requested in the join, which only a server without tokens grants. */
  readonly kind?: RoomKind;
  readonly role?: Role;
  /** A secret that gives it the same identity in each session; random by default. */
  readonly guest?: string;
  /** Its session that has ended, whose messages it takes along. */
  readonly former?: ChatMember;
  onMessage?(data: RoomClientEvents['chatMessage']): void;
  onChanged?(message: RoomClientEvents['chatChanged']): void;
}

export class ChatMember implements Disposable {
  readonly name: string;
  readonly chat: Chat;
  /** How often its connection was lost, and how often it has resumed. */
  readonly counts = { lost: 0, resumed: 0 };
  /** Why the session has ended, unless by `leave`. */
  end: CloseReason | undefined;
  #self: ChatPeer | undefined;
  #signalling: SignalSession | undefined;
  #left = false;

  private constructor({ name, onMessage, onChanged }: ChatMemberOptions) {
    this.name = name;
    const listeners: { [E in keyof RoomClientEvents]?: (data: RoomClientEvents[E]) => void } = {
      chatMessage: (data) => onMessage?.(data),
      chatChanged: (message) => onChanged?.(message),
    };
    this.chat = new Chat({
      request: (method, data) => this.#connected.request(method, data),
      notify: (event, data) => listeners[event]?.(data),
      self: () => this.#self,
      peer: () => undefined,
    });
  }

  /** @throws {WeirError} why the server refuses the join */
  static async join(options: ChatMemberOptions): Promise<ChatMember> {
    const member = new ChatMember(options);
    if (options.former) member.chat.continueFrom(options.former.chat);
    await member.#join(options);
    return member;
  }

  get peerId(): string {
    return this.#self?.peerId ?? '';
  }

  leave(): void {
    this.#left = true;
    this.#signalling?.leave();
    this.chat.pause();
  }

  [Symbol.dispose](): void {
    this.leave();
  }

  get #connected(): SignalSession {
    if (!this.#signalling) throw new Error(`${this.name} is not in.`);
    return this.#signalling;
  }

  async #join({ url, room, name, kind, role, guest }: ChatMemberOptions): Promise<void> {
    const { signalling, welcome } = await SignalSession.open({
      url,
      kinds: ['webSocket'],
      listeners: this.chat.listeners,
      onReconnecting: () => {
        this.counts.lost += 1;
        this.chat.pause();
      },
      onResumed: ({ chat }) => {
        this.counts.resumed += 1;
        this.chat.sync(chat);
      },
      onClose: (reason) => {
        if (!this.#left) this.end = reason;
      },
    });
    this.#signalling = signalling;
    const reply = await signalling.join({
      room,
      name,
      ...(kind && { kind }),
      ...(role && { role }),
      ...(guest !== undefined && { guest }),
      rtpCapabilities: receiveCapabilities(welcome.rtpCapabilities),
      transports: { send: false, recv: false },
    });
    this.#self = reply;
    this.chat.sync(reply.chat);
    // Once the server has received something after its reply, the session can be resumed.
    await signalling.request('ping', {});
  }
}
