/** Owns what is shown after a call: why it ended, and the way back. */
import type { CloseReason } from '../client/index.ts';
import { type Child, element } from './dom.ts';
import { say } from './words/index.ts';

const words: Partial<Record<CloseReason, readonly [string, string]>> = {
  left: [say('ended'), ''],
  replaced: [say('endedReplaced'), say('endedReplacedText')],
  kicked: [say('endedKicked'), say('endedKickedText')],
  mediaFailed: [say('endedNoMedia'), say('endedNoMediaText')],
};

export interface EndedOptions {
  readonly reason: CloseReason;
  /** Words for a room that is no call. */
  readonly own?: Partial<Record<CloseReason, readonly [string, string]>>;
  /** What the way back is called. */
  readonly again?: string;
  onAgain(): void;
}

export function endedView({ reason, own = {}, again = say('joinAgain'), onAgain }: EndedOptions): HTMLElement {
  const [title, text] = own[reason] ?? words[reason] ?? [say('endedLost'), say('endedLostText')];
  // Whoever was removed is not wanted back.
  return endCard(title, text !== '' && element('p', {}, text), reason !== 'kicked' && wayOn(again, onAgain), toStart());
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

export const toStart = () => element('a', { href: '/', className: 'quiet' }, say('toStart'));
