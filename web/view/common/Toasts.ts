/** Owns short messages at the bottom left: five seconds each, errors until they are read. */
import { X } from 'lucide';
import { translate } from '../locales/index.ts';
import { announce, element, icon } from './dom.ts';

/** How long a message stays, in milliseconds, and how many stand there at most; errors stay until they are read. */
const TOAST_DURATION = 5000;
const MAX_TOASTS = 3;

export class Toasts {
  readonly root = element('div', { className: 'toasts' });

  /** Says what has happened. */
  show(text: string): void {
    const toast = this.#add(text, 'toast');
    announce(text);
    setTimeout(() => toast.remove(), TOAST_DURATION);
  }

  /** Says what went wrong; it stays until it is closed or said again. */
  showError(text: string): void {
    for (const old of this.root.querySelectorAll('.toast.error')) {
      if (old.firstElementChild?.textContent === text) old.remove();
    }
    const toast = this.#add(text, 'toast problem');
    toast.setAttribute('role', 'alert');
    const close = element('button', { type: 'button', className: 'text', ariaLabel: translate('close') }, icon(X, 18));
    close.addEventListener('click', () => toast.remove());
    toast.append(close);
  }

  #add(text: string, className: string): HTMLElement {
    const toast = element('div', { className }, element('span', {}, text));
    this.root.append(toast);
    // News makes way, errors that nobody has closed do not.
    const [oldest] = this.root.querySelectorAll('.toast:not(.error)');
    if (this.root.children.length > MAX_TOASTS && oldest !== toast) oldest?.remove();
    return toast;
  }
}
