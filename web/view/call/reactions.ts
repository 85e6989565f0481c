/** Reactions: their emoji, and how they float up over the call. */
import type { Reaction } from '../../client/index.ts';
import { element } from '../common/dom.ts';

export const reactions: readonly { reaction: Reaction; emoji: string }[] = [
  { reaction: 'thumbsUp', emoji: '👍' },
  { reaction: 'heart', emoji: '❤️' },
  { reaction: 'clap', emoji: '👏' },
  { reaction: 'laugh', emoji: '😂' },
  { reaction: 'party', emoji: '🎉' },
  { reaction: 'surprised', emoji: '😮' },
];

/** How long a reaction floats, in milliseconds: the duration of the CSS animation. */
const FLOAT_DURATION = 4000;

/** Shows a reaction and the name of its sender. @param layer the element it floats in */
export function floatReaction(layer: HTMLElement, reaction: Reaction, name: string): void {
  const emoji = reactions.find((one) => one.reaction === reaction)?.emoji ?? '';
  const floating = element(
    'div',
    { className: 'reaction' },
    element('span', { className: 'emoji' }, emoji),
    element('span', {}, name),
  );
  floating.style.setProperty('--x-percent', String(10 + Math.random() * 70));
  layer.append(floating);
  setTimeout(() => floating.remove(), FLOAT_DURATION);
}
