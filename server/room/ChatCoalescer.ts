/** Chat messages that wait to be sent: one event for all of them, each as it is by then. */
import type { ChatMessageInfo, ServerEvents } from '../../shared/protocol.ts';

type Send = <E extends keyof ServerEvents>(event: E, data: ServerEvents[E]) => void;

export class ChatCoalescer {
  /** By id. */
  readonly #messages = new Map<string, ChatMessageInfo>();

  /** @returns whether it is an event of the chat, and waits now */
  add<E extends keyof ServerEvents>(event: E, data: ServerEvents[E]): boolean;
  add(...[event, data]: { [E in keyof ServerEvents]: [E, ServerEvents[E]] }[keyof ServerEvents]): boolean {
    if (event !== 'chatMessages') return false;
    for (const message of data.messages) this.#messages.set(message.id, message);
    return true;
  }

  /** Sends everything that waits. */
  flush(send: Send): void {
    if (this.#messages.size === 0) return;
    const messages = [...this.#messages.values()];
    this.#messages.clear();
    send('chatMessages', { messages });
  }

  clear(): void {
    this.#messages.clear();
  }
}
