/** Owns what a viewer sees outside of a broadcast: why they are not in, and the way there. */
import { WeirError } from '../../../client/index.ts';
import { element } from '../../common/dom.ts';
import { endCard, endedView, toStart, wayOn } from '../../common/ended.ts';
import { problemWords } from '../../common/problems.ts';
import { translate } from '../../locales/index.ts';
import type { EndReason } from '../../participation/callEvents.ts';

export interface JoinErrorOptions {
  readonly room: string;
  readonly error: unknown;
  /** The token that was tried, if any. */
  readonly token: string | undefined;
  /** Tries again, with a token where one was asked for. */
  onEnter(token?: string): void;
}

/** Why we were not let in: a token is missing, or anything else, which may pass. */
export function joinErrorView({ room, error, token, onEnter }: JoinErrorOptions): HTMLElement {
  const asksForToken = error instanceof WeirError && error.code === 'unauthorized';
  if (!asksForToken) {
    return endCard(
      translate('notIn'),
      element('p', { role: 'alert' }, problemWords(error)),
      wayOn(translate('tryAgain'), () => onEnter(token)),
      toStart(),
    );
  }
  const field = element('input', { id: 'token', name: 'token', autocomplete: 'off', required: true });
  const form = element(
    'form',
    { className: 'fields' },
    element('div', { className: 'field' }, element('label', { htmlFor: 'token' }, translate('token')), field),
    element('button', { type: 'submit', className: 'primary wide' }, translate('watch')),
  );
  form.addEventListener('submit', (event) => {
    event.preventDefault();
    if (field.value.trim()) onEnter(field.value.trim());
  });
  queueMicrotask(() => field.focus());
  return endCard(
    room,
    token === undefined
      ? element('p', {}, translate('viewerToken'))
      : element('p', { className: 'problem', role: 'alert' }, problemWords(error)),
    form,
    toStart(),
  );
}

const endings: Partial<Record<EndReason, readonly [string, string]>> = {
  left: [translate('leftBroadcast'), ''],
  replaced: [translate('watchedElsewhere'), translate('endedReplacedText')],
  kicked: [translate('removedFromBroadcast'), translate('endedKickedText')],
};

/** What is shown when we watch no longer. */
export function goneView(reason: EndReason, refusal: unknown, onAgain: () => void): HTMLElement {
  return endedView({ reason, refusal, own: endings, again: translate('watchAgain'), onAgain });
}
