/** Owns the invitation: the address of the room, copied with one click. */
import { Link } from 'lucide';
import { element, icon } from './dom.ts';
import type { Toasts } from './Toasts.ts';
import { say } from './words/index.ts';

/** The address that others open: the room's, without what is our own. */
function inviteLink(): string {
  return `${location.origin}${location.pathname}`;
}

export function inviteButton(toasts: Toasts): HTMLButtonElement {
  const button = element('button', { type: 'button', className: 'wide' }, icon(Link, 18), say('invite'));
  button.addEventListener('click', async () => {
    try {
      await navigator.clipboard.writeText(inviteLink());
      toasts.tell(say('copied'));
    } catch {
      toasts.warn(say('copyFailed'));
    }
  });
  return button;
}
