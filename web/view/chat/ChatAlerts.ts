/** Tells of messages that come while the chat is closed: the first by name and text, the rest of a burst by number. */
import type { ChatMessage } from '../../client/index.ts';
import type { Toasts } from '../common/Toasts.ts';
import { translate } from '../locales/index.ts';

/** Between two alerts, in milliseconds: at first, and at most while many are writing. */
const PAUSE = { first: 5000, most: 60_000 };
/** How much of a text is shown, in characters. */
const EXCERPT = 80;

export class ChatAlerts {
  readonly #toasts: Pick<Toasts, 'show'>;
  #pause = PAUSE.first;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #waiting: ChatMessage[] = [];

  constructor(toasts: Pick<Toasts, 'show'>) {
    this.#toasts = toasts;
  }

  add(message: ChatMessage): void {
    if (this.#timer === undefined) {
      this.#toasts.show(sentence(message));
      this.#wait(PAUSE.first);
    } else this.#waiting.push(message);
  }

  /** Nothing waits to be told any more: the chat was opened, or the page is closed. */
  clear(): void {
    this.#waiting = [];
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  #wait(pause: number): void {
    this.#pause = pause;
    this.#timer = setTimeout(() => {
      const [first, ...others] = this.#waiting;
      this.#waiting = [];
      this.#timer = undefined;
      if (!first) return;
      if (others.length === 0) this.#toasts.show(sentence(first));
      else this.#toasts.show(translate('chatManyNew', { count: others.length + 1 }));
      // The more are writing, the less often.
      this.#wait(others.length === 0 ? PAUSE.first : Math.min(2 * this.#pause, PAUSE.most));
    }, pause);
  }
}

function sentence({ from: { name }, to, text }: ChatMessage): string {
  const [line = ''] = text.split('\n', 1);
  const characters = [...line];
  const excerpt = characters.length > EXCERPT ? `${characters.slice(0, EXCERPT - 1).join('')}…` : line;
  return translate(to ? 'chatNewPrivate' : 'chatNewMessage', { name, text: excerpt });
}
