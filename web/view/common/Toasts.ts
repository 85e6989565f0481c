/** Short messages at the bottom left; they disappear by themselves, errors stay until they are closed. */
import { X } from 'lucide';
import { translate } from '../locales/index.ts';
import { announce, element, icon } from './dom.ts';
import { keepFocus } from './keepFocus.ts';

/** How long a message stays, in milliseconds, and how many are shown at most; errors stay longer and are not limited. */
const TOAST_DURATION = 5000;
const MAX_TOASTS = 3;

export class Toasts {
  readonly root = element('div', { className: 'toasts' });
  /** What had the focus before one of our buttons. */
  #origin: HTMLElement | undefined;

  constructor() {
    this.root.addEventListener('focusin', ({ relatedTarget }) => {
      if (relatedTarget instanceof HTMLElement && !this.root.contains(relatedTarget)) this.#origin = relatedTarget;
    });
  }

  /** Shows a message. */
  show(text: string): void {
    const toast = this.#add(text, 'toast');
    announce(text);
    setTimeout(() => toast.remove(), TOAST_DURATION);
  }

  /** Shows an error; it stays until it is closed, or replaced by the same text. */
  showError(text: string): void {
    this.#change(() => {
      for (const shown of this.root.querySelectorAll('.toast.error')) {
        if (shown.firstElementChild?.textContent === text) shown.remove();
      }
      const toast = this.#add(text, 'toast error');
      toast.setAttribute('role', 'alert');
      const label = translate('close');
      const close = element('button', { type: 'button', className: 'text', ariaLabel: label }, icon(X, 18));
      close.addEventListener('click', () => this.#change(() => toast.remove()));
      toast.append(close);
    });
  }

  #change(change: () => void): void {
    keepFocus(this.root, change, () => this.#origin?.focus());
  }

  #add(text: string, className: string): HTMLElement {
    const toast = element('div', { className }, element('span', {}, text));
    this.root.append(toast);
    // The oldest message makes room, but no error.
    const [oldest] = this.root.querySelectorAll('.toast:not(.error)');
    if (this.root.children.length > MAX_TOASTS && oldest !== toast) oldest?.remove();
    return toast;
  }
}
