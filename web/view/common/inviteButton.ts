/** The button that copies the invite link. */
import { Link } from 'lucide';
import { type MessageKey, translate } from '../locales/index.ts';
import { element, icon } from './dom.ts';
import type { Toasts } from './Toasts.ts';

/** The address of the room without query and fragment: these hold the role and the token of this user. */
function inviteLink(): string {
  return `${location.origin}${location.pathname}`;
}

/** @param label the message key of its label */
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
