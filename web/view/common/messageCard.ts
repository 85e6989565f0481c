/** A card with a message in place of a page, and its parts. */
import { translate } from '../locales/index.ts';
import { basePath } from './address.ts';
import { type Child, element } from './dom.ts';

/** The title takes the focus, so that screen readers read it, unless a form on the page has it. */
export function messageCard(title: string, ...children: Child[]): HTMLElement {
  const heading = element('h1', { tabIndex: -1 }, title);
  queueMicrotask(() => !document.activeElement?.closest('form') && heading.focus());
  return element('div', { className: 'centered' }, element('div', { className: 'card message' }, heading, ...children));
}

export function primaryButton(label: string, onClick: () => void): HTMLButtonElement {
  const button = element('button', { type: 'button', className: 'primary full-width' }, label);
  button.addEventListener('click', onClick);
  return button;
}

export const startPageLink = () => element('a', { href: basePath, className: 'secondary' }, translate('toStartPage'));
