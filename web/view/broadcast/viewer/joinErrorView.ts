/** Owns what a viewer sees outside of a broadcast: why they are not in, and the way there. */
import { WeirError } from '../../../client/index.ts';
import { element } from '../../common/dom.ts';
import { endedView, messageCard, primaryButton, startPageLink } from '../../common/endedView.ts';
import { errorMessage } from '../../common/errorMessages.ts';
import type { EndReason } from '../../controller/callEvents.ts';
import { translate } from '../../locales/index.ts';

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
    return messageCard(
      translate('cannotOpenBroadcast'),
      element('p', { role: 'alert' }, errorMessage(error)),
      primaryButton(translate('tryAgain'), () => onEnter(token)),
      startPageLink(),
    );
  }
  const field = element('input', { id: 'token', name: 'token', autocomplete: 'off', required: true });
  const form = element(
    'form',
    { className: 'fields' },
    element('div', { className: 'field' }, element('label', { htmlFor: 'token' }, translate('token')), field),
    element('button', { type: 'submit', className: 'primary full-width' }, translate('watch')),
  );
  form.addEventListener('submit', (event) => {
    event.preventDefault();
    if (field.value.trim()) onEnter(field.value.trim());
  });
  queueMicrotask(() => field.focus());
  return messageCard(
    room,
    token === undefined
      ? element('p', {}, translate('viewerToken'))
      : element('p', { className: 'error', role: 'alert' }, errorMessage(error)),
    form,
    startPageLink(),
  );
}

const endReasonTexts: Partial<Record<EndReason, readonly [string, string]>> = {
  left: [translate('leftBroadcast'), ''],
  replaced: [translate('watchedElsewhere'), translate('endedReplacedText')],
  kicked: [translate('removedFromBroadcast'), translate('endedKickedText')],
};

/** What is shown when we watch no longer. */
export function viewerEndedView(reason: EndReason, error: unknown, onRejoin: () => void): HTMLElement {
  return endedView({ reason, error, texts: endReasonTexts, rejoinLabel: translate('watchAgain'), onRejoin });
}
