/** Owns the invitation: the address of the room, copied with one click. */
import { Link } from 'lucide';
import { type MessageKey, translate } from '../locales/index.ts';
import { element, icon } from './dom.ts';
import type { Toasts } from './Toasts.ts';

/** The address that others open: the room's, without what is our own, a role and a token among it. */
function inviteLink(): string {
  return `${location.origin}${location.pathname}`;
}

/** @param label what the button says; the viewers of a broadcast are not invited to a call */
export function inviteButton(toasts: Toasts, label: MessageKey = 'invite'): HTMLButtonElement {
  const button = element('button', { type: 'button', className: 'full-width' }, icon(Link, 18), translate(label));
  button.addEventListener('click', async () => {
    try {
      await navigator.clipboard.writeText(inviteLink());
      toasts.show(translate('copied'));
    } catch {
      toasts.showError(translate('copyFailed'));
    }
  });
  return button;
}
