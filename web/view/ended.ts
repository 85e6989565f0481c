/** Owns what is shown after a call: why it ended, and the way back. */
import type { CloseReason } from '../client/index.ts';
import { element } from './dom.ts';
import { say } from './words/index.ts';

const words: Partial<Record<CloseReason, readonly [string, string]>> = {
  left: [say('ended'), ''],
  replaced: [say('endedReplaced'), say('endedReplacedText')],
  kicked: [say('endedKicked'), say('endedKickedText')],
  mediaFailed: [say('endedNoMedia'), say('endedNoMediaText')],
};

/** @param own words for a room that is no call */
export function endedView(
  reason: CloseReason,
  onRejoin: () => void,
  own: Partial<Record<CloseReason, readonly [string, string]>> = {},
): HTMLElement {
  const [title, text] = own[reason] ?? words[reason] ?? [say('endedLost'), say('endedLostText')];
  const start = element('a', { href: '/', className: 'quiet' }, say('toStart'));
  const again = element('button', { type: 'button', className: 'primary wide' }, say('joinAgain'));
  again.addEventListener('click', onRejoin);
  const heading = element('h1', { tabIndex: -1 }, title);
  queueMicrotask(() => heading.focus());
  return element(
    'div',
    { className: 'centre' },
    element(
      'div',
      { className: 'card ended' },
      heading,
      text ? element('p', {}, text) : undefined,
      // Whoever was removed is not wanted back.
      reason !== 'kicked' && again,
      start,
    ),
  );
}
