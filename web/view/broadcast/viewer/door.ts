/** Owns what a viewer sees outside of a broadcast: why they are not in, and the way there. */
import { type CloseReason, WeirError } from '../../../client/index.ts';
import { type Child, element } from '../../dom.ts';
import { problemWords } from '../../problems.ts';
import { say } from '../../words/index.ts';

function card(title: string, ...children: Child[]): HTMLElement {
  const heading = element('h1', { tabIndex: -1 }, title);
  queueMicrotask(() => heading.isConnected && !document.activeElement?.closest('form') && heading.focus());
  return element('div', { className: 'centre' }, element('div', { className: 'card ended' }, heading, ...children));
}

function again(words: string, onAgain: () => void): HTMLButtonElement {
  const button = element('button', { type: 'button', className: 'primary wide' }, words);
  button.addEventListener('click', onAgain);
  return button;
}

const toStart = () => element('a', { href: '/', className: 'quiet' }, say('toStart'));

export interface DoorOptions {
  readonly room: string;
  readonly error: unknown;
  /** The token that was tried, if any. */
  readonly token: string | undefined;
  /** Tries again, with a token where one was asked for. */
  onEnter(token?: string): void;
}

/** Why we were not let in: a token is missing, or anything else, which may pass. */
export function doorView({ room, error, token, onEnter }: DoorOptions): HTMLElement {
  const asksForToken = error instanceof WeirError && error.code === 'unauthorized';
  if (!asksForToken) {
    return card(
      say('notIn'),
      element('p', { role: 'alert' }, problemWords(error)),
      again(say('tryAgain'), () => onEnter(token)),
      toStart(),
    );
  }
  const field = element('input', { id: 'token', name: 'token', autocomplete: 'off', required: true });
  const form = element(
    'form',
    { className: 'fields' },
    element('div', { className: 'field' }, element('label', { htmlFor: 'token' }, say('token')), field),
    element('button', { type: 'submit', className: 'primary wide' }, say('watch')),
  );
  form.addEventListener('submit', (event) => {
    event.preventDefault();
    if (field.value.trim()) onEnter(field.value.trim());
  });
  queueMicrotask(() => field.focus());
  return card(
    room,
    token === undefined
      ? element('p', {}, say('viewerToken'))
      : element('p', { className: 'problem', role: 'alert' }, problemWords(error)),
    form,
    toStart(),
  );
}

const endings: Partial<Record<CloseReason, readonly [string, string]>> = {
  left: [say('leftBroadcast'), ''],
  replaced: [say('watchedElsewhere'), say('endedReplacedText')],
  kicked: [say('removedFromBroadcast'), say('endedKickedText')],
  mediaFailed: [say('endedNoMedia'), say('endedNoMediaText')],
};

/** What is shown when we watch no longer. */
export function goneView(reason: CloseReason, onAgain: () => void): HTMLElement {
  const [title, text] = endings[reason] ?? [say('endedLost'), say('endedLostText')];
  // Whoever was removed is not wanted back.
  return card(
    title,
    text !== '' && element('p', {}, text),
    reason !== 'kicked' && again(say('watchAgain'), onAgain),
    toStart(),
  );
}
