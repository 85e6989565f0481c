/** The card after a call: why it ended, and the button that rejoins. */
import type { EndReason } from '../controller/callEvents.ts';
import { translate } from '../locales/index.ts';
import { diagnoseLink } from './diagnoseLink.ts';
import { element } from './dom.ts';
import { errorMessage, reasonMessage } from './errorMessages.ts';
import { messageCard, primaryButton, startPageLink } from './messageCard.ts';

const endReasonTexts: Partial<Record<EndReason, readonly [string, string]>> = {
  left: [translate('ended'), ''],
  replaced: [translate('endedReplaced'), translate('endedReplacedText')],
  kicked: [translate('endedKicked'), translate('endedKickedText')],
  mediaFailed: [translate('endedNoMedia'), translate('endedNoMediaText')],
  expired: [translate('endedExpired'), translate('endedExpiredText')],
};

export interface EndedOptions {
  readonly reason: EndReason;
  /** The error of the last rejoin attempt. */
  readonly error?: unknown;
  /** Title and text of reasons that differ from those of a call. */
  readonly texts?: Partial<Record<EndReason, readonly [string, string]>>;
  /** The label of the button that rejoins. */
  readonly rejoinLabel?: string;
  onRejoin(): void;
}

export function endedView({ reason, error, texts = {}, rejoinLabel, onRejoin }: EndedOptions): HTMLElement {
  const [title, text] = texts[reason] ?? endReasonTexts[reason] ?? defaultTexts(reason, error);
  const label =
    reason === 'expired' || reason === 'refused' ? translate('tryAgain') : (rejoinLabel ?? translate('joinAgain'));
  // No button for those who were removed.
  return messageCard(
    title,
    text !== '' && element('p', {}, text),
    reason !== 'kicked' && primaryButton(label, onRejoin),
    reason !== 'kicked' && reason !== 'left' && diagnoseLink(),
    startPageLink(),
  );
}

function defaultTexts(reason: EndReason, error: unknown): readonly [string, string] {
  if (reason === 'refused') return [translate('endedRefused'), errorMessage(error)];
  // All rejoin attempts failed.
  if (reason === 'disconnected') {
    return [
      translate('endedLost'),
      translate('endedLostText', { detail: error ? errorMessage(error) : translate('unreachable') }),
    ];
  }
  return [translate('endedOther'), reasonMessage(reason) ?? translate('connectionLost')];
}
