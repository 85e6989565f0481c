/** The cards of a viewer outside of a broadcast: why the join failed, or why it ended, and how to join again. */
import { WeirError } from '../../../client/index.ts';
import { diagnoseLink } from '../../common/diagnoseLink.ts';
import { element } from '../../common/dom.ts';
import { type EndedOptions, endedView } from '../../common/endedView.ts';
import { errorMessage } from '../../common/errorMessages.ts';
import { messageCard, primaryButton, startPageLink } from '../../common/messageCard.ts';
import type { EndReason } from '../../controller/callEvents.ts';
import { translate } from '../../locales/index.ts';

export interface JoinErrorOptions {
  readonly room: string;
  readonly error: unknown;
  /** The token that was tried, if any. */
  readonly token: string | undefined;
  /** Joins again. */
  onJoin(token?: string): void;
}

/** Asks for a token where the error is about one; else shows the error with a button that tries again. */
export function joinErrorView({ room, error, token, onJoin }: JoinErrorOptions): HTMLElement {
  const asksForToken = error instanceof WeirError && error.code === 'unauthorized';
  if (!asksForToken) {
    return messageCard(
      translate('notOpened'),
      element('p', { role: 'alert' }, errorMessage(error)),
      primaryButton(translate('tryAgain'), () => onJoin(token)),
      diagnoseLink(),
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
    if (field.value.trim()) onJoin(field.value.trim());
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
  kicked: [translate('kickedByHost'), translate('endedKickedText')],
  roomEnded: [translate('broadcastOver'), translate('endedForAllText')],
};

/** The card after a broadcast. */
export function viewerEndedView(ended: Omit<EndedOptions, 'texts' | 'rejoinLabel'>): HTMLElement {
  return endedView({ ...ended, texts: endReasonTexts, rejoinLabel: translate('watchAgain') });
}
