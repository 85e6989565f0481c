/** The messages of one chat that are kept: the latest ones, within a number and a size. */
import type { ChatMessageInfo } from '../../shared/protocol.ts';

export interface ChatHistoryLimits {
  readonly messages: number;
  /** Of text, in bytes. */
  readonly bytes: number;
}

/** A message, with what is never sent. */
export interface ChatEntry {
  readonly message: ChatMessageInfo;
  /** The id that its client has given it. */
  readonly nonce: string | undefined;
}

export interface ChatPage {
  readonly messages: ChatMessageInfo[];
  /** Everything up to this number is included. */
  readonly seq: number;
  readonly more: boolean;
  /** Some after the number that was asked for are gone. */
  readonly truncated: boolean;
}

/** How much one page has at most. */
const PAGE = { messages: 200, bytes: 64 * 1024 };
/** What a message takes beside its text, in bytes. */
const OVERHEAD = 400;

export class ChatHistory {
  readonly #limits: ChatHistoryLimits;
  /** By id, in the order of `changedSeq`. */
  readonly #entries = new Map<string, ChatEntry>();
  readonly #idsByNonce = new Map<string, string>();
  #bytes = 0;
  /** The greatest `changedSeq` of those that are gone. */
  #goneSeq = 0;

  constructor(limits: ChatHistoryLimits) {
    this.#limits = limits;
  }

  get(id: string): ChatEntry | undefined {
    return this.#entries.get(id);
  }

  /** The message that this identity has sent under that nonce. */
  find(identity: string, nonce: string): ChatMessageInfo | undefined {
    return this.#entries.get(this.#idsByNonce.get(nonceKey(identity, nonce)) ?? '')?.message;
  }

  /** Adds a message, or replaces it by a changed one. The least recently changed ones make room for it. */
  set(entry: ChatEntry): void {
    const { id, from } = entry.message;
    this.#remove(id);
    this.#entries.set(id, entry);
    if (entry.nonce !== undefined) this.#idsByNonce.set(nonceKey(from.identity, entry.nonce), id);
    this.#bytes += sizeOf(entry);
    for (const [oldest, { message }] of this.#entries) {
      if (this.#entries.size <= this.#limits.messages && this.#bytes <= this.#limits.bytes) break;
      this.#remove(oldest);
      this.#goneSeq = message.changedSeq;
    }
  }

  /**
   * A page of what has been added or changed after a number.
   * @param latest the number of the last change in the room
   * @param isVisible whether it is for the one who asks
   */
  page(after: number, latest: number, isVisible: (message: ChatMessageInfo) => boolean): ChatPage {
    const truncated = after < this.#goneSeq;
    const messages: ChatMessageInfo[] = [];
    let bytes = 0;
    for (const entry of this.#entries.values()) {
      const { message } = entry;
      if (message.changedSeq <= after || !isVisible(message)) continue;
      bytes += sizeOf(entry);
      const last = messages.at(-1);
      if (last && (messages.length >= PAGE.messages || bytes > PAGE.bytes)) {
        return { messages, seq: last.changedSeq, more: true, truncated };
      }
      messages.push(message);
    }
    return { messages, seq: latest, more: false, truncated };
  }

  #remove(id: string): void {
    const entry = this.#entries.get(id);
    if (!entry) return;
    this.#entries.delete(id);
    if (entry.nonce !== undefined) this.#idsByNonce.delete(nonceKey(entry.message.from.identity, entry.nonce));
    this.#bytes -= sizeOf(entry);
  }
}

const nonceKey = (identity: string, nonce: string) => JSON.stringify([identity, nonce]);

function sizeOf({ message }: ChatEntry): number {
  return OVERHEAD + Buffer.byteLength(message.text);
}
