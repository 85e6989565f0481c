/** The messages of a chat as a log that can be scrolled; only a window of them is in the document. */
import { ChevronDown } from 'lucide';
import type { ChatMessage } from '../../client/index.ts';
import { element, icon, reconcileChildren, setText } from '../common/dom.ts';
import { translateChat } from '../locales/chat.ts';
import { MessageWindow } from './MessageWindow.ts';
import { type MessageActions, messageRow } from './messageRow.ts';
import { dayOf, isSameDay } from './times.ts';

/** How far from the end counts as the end, and how near to an edge more messages are shown, in CSS pixels. */
const NEAR_END = 32;
const NEAR_EDGE = 240;
/** Messages of one author with less time between them are one group, in milliseconds. */
const GROUP_GAP = 5 * 60_000;

interface Row {
  readonly element: HTMLElement;
  /** None for a line between messages. */
  readonly message?: ChatMessage;
  readonly key: string;
}

export class MessageList {
  readonly root: HTMLElement;
  readonly #actions: MessageActions;
  readonly #window = new MessageWindow<ChatMessage>();
  readonly #log = element('div', {
    className: 'chat-log',
    role: 'log',
    tabIndex: 0,
    ariaLabel: translateChat('chatMessages'),
    attributes: { 'aria-live': 'polite', 'aria-relevant': 'additions' },
  });
  readonly #empty = element('div', { className: 'chat-empty secondary' });
  readonly #toEnd = element('button', { type: 'button', className: 'chat-to-end', hidden: true });
  #rows = new Map<string, Row>();
  #truncated = false;
  readonly #resize = new ResizeObserver(() => this.#window.following && this.#scrollToEnd());

  constructor(actions: MessageActions) {
    this.#actions = actions;
    this.#toEnd.addEventListener('click', () => {
      this.showEnd();
      this.#log.focus();
    });
    this.#log.addEventListener('scroll', () => this.#onScroll());
    this.#resize.observe(this.#log);
    this.root = element('div', { className: 'chat-messages' }, this.#log, this.#empty, this.#toEnd);
  }

  /** @param truncated whether there were earlier messages, which are not kept */
  render(messages: readonly ChatMessage[], truncated: boolean): void {
    this.#truncated = truncated;
    this.#window.update(messages);
    this.#renderRows();
  }

  /** Says why there is nothing, while there is nothing. */
  showEmpty(...lines: string[]): void {
    this.#empty.hidden = this.#window.shown.length > 0;
    this.#empty.replaceChildren(...lines.map((line) => element('p', {}, line)));
  }

  /** Goes to the newest message. */
  showEnd(): void {
    this.#window.follow();
    this.#renderRows();
  }

  close(): void {
    this.#resize.disconnect();
  }

  #onScroll(): void {
    const { scrollTop, scrollHeight, clientHeight } = this.#log;
    // Hidden.
    if (clientHeight === 0) return;
    const below = scrollHeight - scrollTop - clientHeight;
    const atEnd = below < NEAR_END && this.#window.later === 0;
    const wasFollowing = this.#window.following;
    if (!atEnd) this.#window.stay();
    else if (!wasFollowing) this.#window.follow();
    const hasMore =
      !atEnd &&
      ((scrollTop < NEAR_EDGE && this.#window.showEarlier()) || (below < NEAR_EDGE && this.#window.showLater()));
    if (hasMore || this.#window.following !== wasFollowing) this.#renderRows(false);
  }

  /** @param announced whether screen readers read what is new */
  #renderRows(announced = this.#rows.size > 0): void {
    const anchor = this.#window.following ? undefined : this.#firstVisible();
    this.#log.ariaLive = announced ? 'polite' : 'off';
    const rows = new Map<string, Row>();
    const children: Element[] = [];
    if (this.#truncated && !this.#window.hasEarlier)
      children.push(this.#note('truncated', translateChat('chatTruncated'), rows));
    let previous: ChatMessage | undefined;
    for (const message of this.#window.shown) {
      if (previous ? !isSameDay(previous.at, message.at) : !isSameDay(message.at, Date.now())) {
        const day = dayOf(message.at);
        children.push(this.#note(`day ${day}`, day, rows));
      }
      children.push(this.#row(message, beginsGroup(message, previous), rows));
      previous = message;
    }
    this.#rows = rows;
    const hadFocus = this.#log.contains(document.activeElement);
    reconcileChildren(this.#log, children);
    // The message that had the focus is gone.
    if (hadFocus && !this.#log.contains(document.activeElement)) this.#log.focus();
    if (this.#window.following) this.#scrollToEnd();
    else if (anchor) this.#keep(anchor);
    this.#renderToEnd();
  }

  #renderToEnd(): void {
    const { following, later } = this.#window;
    this.#toEnd.hidden = following;
    const text =
      later === 1 ? translateChat('chatNewOne') : later > 0 ? translateChat('chatNew', { count: later }) : '';
    if (this.#toEnd.textContent === text && this.#toEnd.childElementCount > 0) return;
    this.#toEnd.replaceChildren(icon(ChevronDown, 18), text);
    this.#toEnd.ariaLabel = text || translateChat('chatNewest');
  }

  #row(message: ChatMessage, first: boolean, rows: Map<string, Row>): HTMLElement {
    const { mayEdit, mayDelete, mayWriteTo } = this.#actions;
    const key = [first, mayEdit(message), mayDelete(message), mayWriteTo(message)].join();
    const known = this.#rows.get(message.id);
    const isCurrent = known?.message === message && known.key === key;
    const row = isCurrent ? known : { element: messageRow(message, first, this.#actions), message, key };
    // Whoever has the keyboard in a message that changes goes on from there.
    if (known && !isCurrent && known.element.contains(document.activeElement)) this.#log.focus();
    rows.set(message.id, row);
    return row.element;
  }

  /** A line between messages. */
  #note(key: string, text: string, rows: Map<string, Row>): HTMLElement {
    const note = this.#rows.get(key) ?? { element: element('p', { className: 'chat-note' }), key };
    setText(note.element, text);
    rows.set(key, note);
    return note.element;
  }

  /** The first message that is seen, and where it is. */
  #firstVisible(): { id: string; top: number } | undefined {
    const { top } = this.#log.getBoundingClientRect();
    for (const [id, row] of this.#rows) {
      const box = row.element.getBoundingClientRect();
      if (row.message && box.bottom > top) return { id, top: box.top };
    }
    return undefined;
  }

  /** Scrolls so that a message is where it was; its row may be another one, without its header. */
  #keep({ id, top }: { id: string; top: number }): void {
    const row = this.#rows.get(id);
    if (row) this.#log.scrollTop += row.element.getBoundingClientRect().top - top;
  }

  #scrollToEnd(): void {
    this.#log.scrollTop = this.#log.scrollHeight;
  }
}

/** Whether author and time are shown: for another author, other readers, or after a while. */
function beginsGroup({ from, to, at }: ChatMessage, previous: ChatMessage | undefined): boolean {
  if (!previous) return true;
  return (
    from.identity !== previous.from.identity ||
    to?.identity !== previous.to?.identity ||
    at - previous.at > GROUP_GAP ||
    !isSameDay(at, previous.at)
  );
}
