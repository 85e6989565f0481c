/** Owns reactions: what they look like, and how they float up over the stage. */
import type { Reaction } from '../../client/index.ts';
import { element } from '../common/dom.ts';

export const reactions: readonly { reaction: Reaction; sign: string }[] = [
  { reaction: 'thumbsUp', sign: '👍' },
  { reaction: 'heart', sign: '❤️' },
  { reaction: 'clap', sign: '👏' },
  { reaction: 'laugh', sign: '😂' },
  { reaction: 'party', sign: '🎉' },
  { reaction: 'surprised', sign: '😮' },
];

/** How long one floats, in milliseconds. */
const FLOAT = 4000;

/** Lets a reaction and the name of whose it is float up. */
export function floatReaction(layer: HTMLElement, reaction: Reaction, name: string): void {
  const sign = reactions.find((one) => one.reaction === reaction)?.sign ?? '';
  const floating = element(
    'div',
    { className: 'reaction' },
    element('span', { className: 'emoji' }, sign),
    element('span', {}, name),
  );
  floating.style.setProperty('--x-percent', String(10 + Math.random() * 70));
  layer.append(floating);
  setTimeout(() => floating.remove(), FLOAT);
}
