/** One message of the chat on the page: author and time where a group begins, text, state, and what can be done with it. */
import { Ellipsis, Lock, Pencil, RotateCw, Send, Trash2 } from 'lucide';
import type { ChatMessage } from '../../client/index.ts';
import { smallIconButton } from '../common/buttons.ts';
import { element, icon } from '../common/dom.ts';
import { errorMessage } from '../common/errorMessages.ts';
import { menu, menuItem } from '../common/menu.ts';
import { translateChat } from '../locales/chat.ts';
import { withLinks } from './links.ts';
import { fullTimeOf, timeOf } from './times.ts';

/** What can be done with messages. */
export interface MessageActions {
  mayEdit(message: ChatMessage): boolean;
  mayDelete(message: ChatMessage): boolean;
  /** Whether one can write to its author only. */
  mayWriteTo(message: ChatMessage): boolean;
  edit(message: ChatMessage): void;
  remove(message: ChatMessage): void;
  retry(message: ChatMessage): void;
  writeTo(message: ChatMessage): void;
}

/** @param first whether it begins a group of the same author */
export function messageRow(message: ChatMessage, first: boolean, actions: MessageActions): HTMLElement {
  const { own, deleted, state } = message;
  const row = element('div', { className: 'chat-message', data: { id: message.id } });
  row.classList.toggle('own', own);
  row.classList.toggle('first', first);
  row.classList.toggle('private', message.to !== undefined);
  row.classList.add(deleted ? 'deleted' : state);
  const bubble = element('div', { className: 'chat-bubble', title: fullTimeOf(message.at) }, ...content(message));
  row.append(
    first ? header(message) : element('span', { className: 'visually-hidden' }, says(message)),
    element('div', { className: 'chat-line' }, bubble, actionsButton(row, message, actions)),
  );
  if (state === 'failed') row.append(failure(message, actions));
  return row;
}

function content({ text, edited, deleted, state }: ChatMessage): HTMLElement[] {
  if (deleted) return [element('p', { className: 'chat-text' }, translateChat('chatDeleted'))];
  return [
    element('p', { className: 'chat-text', dir: 'auto' }, ...withLinks(text)),
    ...(edited ? [element('span', { className: 'chat-state' }, translateChat('chatEdited'))] : []),
    ...(state === 'pending' ? [element('span', { className: 'chat-state' }, translateChat('chatSending'))] : []),
  ];
}

/** Who wrote it, and to whom. */
function authorOf({ own, from, to }: ChatMessage): string {
  if (own) return to ? translateChat('chatOnlyTo', { name: to.name }) : translateChat('chatYou');
  return to ? translateChat('chatOnlyYou', { name: from.name }) : from.name;
}

const says = (message: ChatMessage) => translateChat('chatSays', { name: authorOf(message) });

function header(message: ChatMessage): HTMLElement {
  const time = element('time', { dateTime: new Date(message.at).toISOString() }, timeOf(message.at));
  return element(
    'p',
    { className: 'chat-author' },
    message.to !== undefined && icon(Lock, 14),
    element('span', { className: 'label' }, authorOf(message)),
    time,
  );
}

/** The button that opens the menu of a message; the menu is made when it is first opened. */
function actionsButton(row: HTMLElement, message: ChatMessage, actions: MessageActions): HTMLElement | undefined {
  const { mayEdit, mayDelete, mayWriteTo } = actions;
  if (!mayEdit(message) && !mayDelete(message) && !mayWriteTo(message)) return undefined;
  const label = translateChat('chatActions');
  const button = smallIconButton(label, Ellipsis, { className: 'chat-actions' });
  button.ariaHasPopup = 'true';
  const items = () => [
    mayWriteTo(message) &&
      menuItem(translateChat('chatWriteTo', { name: message.from.name }), Send, () => actions.writeTo(message)),
    mayEdit(message) && menuItem(translateChat('chatEdit'), Pencil, () => actions.edit(message)),
    mayDelete(message) &&
      menuItem(translateChat(message.own ? 'chatDelete' : 'chatRemove'), Trash2, () =>
        confirmRemoval(row, button, message, actions),
      ),
  ];
  // The click itself opens the menu, since that is the popover of the button by then.
  button.addEventListener('click', () => button.after(menu(button, label, items)), { once: true });
  return button;
}

/** Asks below the message whether to delete it; the focus comes back to its button. */
function confirmRemoval(row: HTMLElement, opener: HTMLElement, message: ChatMessage, { remove }: MessageActions): void {
  row.querySelector('.chat-question')?.remove();
  const name = message.from.name;
  const yes = element(
    'button',
    { type: 'button', className: 'danger' },
    translateChat(message.own ? 'chatDelete' : 'chatRemove'),
  );
  const no = element('button', { type: 'button' }, translateChat('chatKeep'));
  const question = element(
    'div',
    { className: 'chat-question', role: 'group' },
    element('span', {}, translateChat(message.own ? 'chatDeleteQuestion' : 'chatRemoveQuestion', { name })),
    yes,
    no,
  );
  question.ariaLabel = question.firstElementChild?.textContent ?? '';
  const cancel = () => {
    question.remove();
    opener.focus();
  };
  yes.addEventListener('click', () => {
    yes.disabled = true;
    remove(message);
  });
  no.addEventListener('click', cancel);
  question.addEventListener('keydown', (event) => {
    if (event.key !== 'Escape') return;
    event.stopPropagation();
    cancel();
  });
  row.append(question);
  question.scrollIntoView({ block: 'nearest' });
  yes.focus();
}

/** Why a message was not sent, and what to do. */
function failure(message: ChatMessage, { retry, remove }: MessageActions): HTMLElement {
  const reason = message.error?.code === 'notFound' ? translateChat('chatGone') : errorMessage(message.error);
  const again = element('button', { type: 'button' }, icon(RotateCw, 16), translateChat('chatTryAgain'));
  again.addEventListener('click', () => retry(message));
  const discard = element('button', { type: 'button' }, translateChat('chatDiscard'));
  discard.addEventListener('click', () => remove(message));
  return element(
    'div',
    { className: 'chat-question failed' },
    element('span', {}, translateChat('chatNotSent', { reason })),
    again,
    discard,
  );
}
