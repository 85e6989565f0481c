/** The field that a message is written into: grows to five lines, knows its limit, and never sends in the middle of a composition. */
import { element } from '../common/dom.ts';
import { translateChat } from '../locales/chat.ts';

/** The greatest height of the field, in lines. */
const MAX_LINES = 5;

export interface MessageFieldOptions {
  /** Code points that a message may have. */
  readonly limit: number;
  /** Is called after each change. */
  onInput(): void;
  onSend(): void;
  /** ArrowUp in the empty field. */
  onEditLast(): void;
  /** Pasted text was cut off. */
  onCut(): void;
}

export class MessageField {
  readonly root = element('textarea', {
    rows: 1,
    className: 'chat-text-field',
    ariaLabel: translateChat('chatField'),
    enterKeyHint: 'send',
  });
  readonly #options: MessageFieldOptions;

  constructor(options: MessageFieldOptions) {
    this.#options = options;
    this.root.addEventListener('input', () => {
      this.#fit();
      options.onInput();
    });
    this.root.addEventListener('paste', (event) => this.#onPaste(event));
    this.root.addEventListener('keydown', (event) => this.#onKey(event));
  }

  get text(): string {
    return this.root.value;
  }

  set text(text: string) {
    this.root.value = text;
    this.#fit();
    this.#options.onInput();
  }

  /** How many code points there are too many. */
  get excess(): number {
    const { value } = this.root;
    // Cheap for nearly all texts: code points are never more than code units.
    return value.length <= this.#options.limit ? 0 : Math.max(0, lengthOf(value.trim()) - this.#options.limit);
  }

  focus(): void {
    this.root.focus();
    this.root.setSelectionRange(this.root.value.length, this.root.value.length);
  }

  /** Sets its height; to be called when it is shown. */
  #fit(): void {
    const { style } = this.root;
    style.height = 'auto';
    const { lineHeight, paddingTop, paddingBottom, borderTopWidth, borderBottomWidth } = getComputedStyle(this.root);
    const frame = [paddingTop, paddingBottom].reduce((sum, part) => sum + Number.parseFloat(part), 0);
    const border = Number.parseFloat(borderTopWidth) + Number.parseFloat(borderBottomWidth);
    const most = MAX_LINES * Number.parseFloat(lineHeight) + frame;
    style.height = `${Math.min(this.root.scrollHeight, most) + border}px`;
  }

  #onKey(event: KeyboardEvent): void {
    // The key that ends a composition is not one of the message; Safari has code 229 for it (UI Events, section 5.6.4).
    if (event.isComposing || event.keyCode === 229) return;
    if (event.key === 'Enter' && !event.shiftKey && !event.altKey) {
      event.preventDefault();
      this.#options.onSend();
    } else if (event.key === 'ArrowUp' && this.root.value === '') {
      event.preventDefault();
      this.#options.onEditLast();
    }
  }

  /** Inserts as much as a message may have. */
  #onPaste(event: ClipboardEvent): void {
    const pasted = event.clipboardData?.getData('text/plain') ?? '';
    const { value, selectionStart, selectionEnd } = this.root;
    const room = Math.max(
      0,
      this.#options.limit - lengthOf(value) + lengthOf(value.slice(selectionStart, selectionEnd)),
    );
    if (pasted.length <= room || lengthOf(pasted) <= room) return;
    event.preventDefault();
    const part = Array.from(pasted.slice(0, 2 * room))
      .slice(0, room)
      .join('');
    this.root.setRangeText(part, selectionStart, selectionEnd, 'end');
    this.#fit();
    this.#options.onInput();
    this.#options.onCut();
  }
}

/** In code points. */
function lengthOf(text: string): number {
  let length = 0;
  for (const _ of text) length += 1;
  return length;
}
