/** Owns what is shown after a call: why it ended, and the way back. */

import type { EndReason } from '../controller/callEvents.ts';
import { translate } from '../locales/index.ts';
import { basePath } from './address.ts';
import { type Child, element } from './dom.ts';
import { errorMessage, reasonMessage } from './errorMessages.ts';

const endReasonTexts: Partial<Record<EndReason, readonly [string, string]>> = {
  left: [translate('ended'), ''],
  replaced: [translate('callOpenElsewhere'), translate('endedReplacedText')],
  kicked: [translate('endedKicked'), translate('endedKickedText')],
  mediaFailed: [translate('endedNoMedia'), translate('endedNoMediaText')],
  expired: [translate('endedExpired'), translate('endedExpiredText')],
};

export interface EndedOptions {
  readonly reason: EndReason;
  /** Why we were not let in again, or what kept us out until we gave up. */
  readonly error?: unknown;
  /** Words for a room that is no call. */
  readonly texts?: Partial<Record<EndReason, readonly [string, string]>>;
  /** What the way back is called. */
  readonly rejoinLabel?: string;
  onRejoin(): void;
}

export function endedView({ reason, error, texts = {}, rejoinLabel, onRejoin }: EndedOptions): HTMLElement {
  const [title, text] = texts[reason] ?? endReasonTexts[reason] ?? defaultTexts(reason, error);
  const way =
    reason === 'expired' || reason === 'refused' ? translate('tryAgain') : (rejoinLabel ?? translate('joinAgain'));
  // Whoever was removed is not wanted back.
  return messageCard(
    title,
    text !== '' && element('p', {}, text),
    reason !== 'kicked' && primaryButton(way, onRejoin),
    startPageLink(),
  );
}

function defaultTexts(reason: EndReason, refusal: unknown): readonly [string, string] {
  if (reason === 'refused') return [translate('endedRefused'), errorMessage(refusal)];
  // Whoever gave up has tried before.
  if (reason === 'disconnected') {
    return [
      translate('endedLost'),
      translate('endedLostText', { detail: refusal ? errorMessage(refusal) : translate('unreachable') }),
    ];
  }
  return [translate('endedOther'), reasonMessage(reason) ?? translate('connectionLost')];
}

/** A card in place of what was there. Its title takes the focus, and is read, unless something is to be typed. */
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
