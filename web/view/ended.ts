/** Owns what is shown after a call: why it ended, and the way back. */
import { basePath } from './address.ts';
import { type Child, element } from './dom.ts';
import { problemWords, reasonWords } from './problems.ts';
import type { EndReason } from './sessionEvents.ts';
import { say } from './words/index.ts';

const words: Partial<Record<EndReason, readonly [string, string]>> = {
  left: [say('ended'), ''],
  replaced: [say('endedReplaced'), say('endedReplacedText')],
  kicked: [say('endedKicked'), say('endedKickedText')],
  mediaFailed: [say('endedNoMedia'), say('endedNoMediaText')],
  expired: [say('endedExpired'), say('endedExpiredText')],
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
  const way = reason === 'expired' || reason === 'refused' ? say('tryAgain') : (again ?? say('joinAgain'));
  // Whoever was removed is not wanted back.
  return endCard(title, text !== '' && element('p', {}, text), reason !== 'kicked' && wayOn(way, onAgain), toStart());
}

function otherWords(reason: EndReason, refusal: unknown): readonly [string, string] {
  if (reason === 'refused') return [say('endedRefused'), problemWords(refusal)];
  // Whoever gave up has tried before.
  if (reason === 'disconnected') {
    return [say('endedLost'), say('endedLostText', { detail: refusal ? problemWords(refusal) : say('unreachable') })];
  }
  return [say('endedOver'), reasonWords(reason) ?? say('connectionLost')];
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

export const toStart = () => element('a', { href: basePath, className: 'quiet' }, say('toStart'));
