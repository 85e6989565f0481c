/** Owns what is shown after a call: why it ended, and the way back. */

import { translate } from '../locales/index.ts';
import type { EndReason } from '../participation/callEvents.ts';
import { basePath } from './address.ts';
import { type Child, element } from './dom.ts';
import { problemWords, reasonWords } from './problems.ts';

const words: Partial<Record<EndReason, readonly [string, string]>> = {
  left: [translate('ended'), ''],
  replaced: [translate('endedReplaced'), translate('endedReplacedText')],
  kicked: [translate('endedKicked'), translate('endedKickedText')],
  mediaFailed: [translate('endedNoMedia'), translate('endedNoMediaText')],
  expired: [translate('endedExpired'), translate('endedExpiredText')],
};

export interface EndedOptions {
  readonly reason: EndReason;
  /** Why we were not let in again, or what kept us out until we gave up. */
  readonly refusal?: unknown;
  /** Words for a room that is no call. */
  readonly own?: Partial<Record<EndReason, readonly [string, string]>>;
  /** What the way back is called. */
  readonly again?: string;
  onAgain(): void;
}

export function endedView({ reason, refusal, own = {}, again, onAgain }: EndedOptions): HTMLElement {
  const [title, text] = own[reason] ?? words[reason] ?? otherWords(reason, refusal);
  const way = reason === 'expired' || reason === 'refused' ? translate('tryAgain') : (again ?? translate('joinAgain'));
  // Whoever was removed is not wanted back.
  return endCard(title, text !== '' && element('p', {}, text), reason !== 'kicked' && wayOn(way, onAgain), toStart());
}

function otherWords(reason: EndReason, refusal: unknown): readonly [string, string] {
  if (reason === 'refused') return [translate('endedRefused'), problemWords(refusal)];
  // Whoever gave up has tried before.
  if (reason === 'disconnected') {
    return [
      translate('endedLost'),
      translate('endedLostText', { detail: refusal ? problemWords(refusal) : translate('unreachable') }),
    ];
  }
  return [translate('endedOver'), reasonWords(reason) ?? translate('connectionLost')];
}

/** A card in place of what was there. Its title takes the focus, and is read, unless something is to be typed. */
export function endCard(title: string, ...children: Child[]): HTMLElement {
  const heading = element('h1', { tabIndex: -1 }, title);
  queueMicrotask(() => !document.activeElement?.closest('form') && heading.focus());
  return element('div', { className: 'centre' }, element('div', { className: 'card ended' }, heading, ...children));
}

export function wayOn(label: string, onClick: () => void): HTMLButtonElement {
  const button = element('button', { type: 'button', className: 'primary wide' }, label);
  button.addEventListener('click', onClick);
  return button;
}

export const toStart = () => element('a', { href: basePath, className: 'quiet' }, translate('toStart'));
