/** Owns how elements are made: by properties and text, never from HTML. */
import { createElement, type IconNode } from 'lucide';
import { graphemes } from '../../client/index.ts';

export type Child = Node | string | undefined | false;
type Properties<K extends keyof HTMLElementTagNameMap> = Partial<
  Omit<HTMLElementTagNameMap[K], 'attributes' | 'children' | 'dataset' | 'style'>
> & {
  data?: Record<string, string>;
  /** Attributes that are no properties, `aria-...` among them. */
  attributes?: Record<string, string>;
};

/** An element with its properties and children; strings become text nodes. */
export function element<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  { data = {}, attributes = {}, ...properties }: Properties<K> = {},
  ...children: Child[]
): HTMLElementTagNameMap[K] {
  const made = document.createElement(tag);
  Object.assign(made, properties);
  Object.assign(made.dataset, data);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  made.append(...children.filter((child): child is Node | string => child !== undefined && child !== false));
  return made;
}

/** An icon of one stroke width; it says nothing to screen readers, its button does. */
export function icon(node: IconNode, size = 22): SVGElement {
  return createElement(node, {
    width: size,
    height: size,
    'stroke-width': 1.75,
    'aria-hidden': 'true',
    focusable: 'false',
  });
}

/** Replaces an element's children only where they would differ, so that focus and playing media stay. */
export function reconcileChildren(parent: Element, children: readonly Element[]): void {
  const wanted = new Set(children);
  for (const child of [...parent.children]) {
    if (!wanted.has(child)) child.remove();
  }
  children.forEach((child, index) => {
    const there = parent.children[index];
    if (there !== child) parent.insertBefore(child, there ?? null);
  });
}

/**
 * What runs `render` when this turn is over, however often it is called until then. A frame callback would wait for ever in
 * a tab that is hidden, and its voices with it.
 */
export function microtaskDebounce(render: () => void): () => void {
  let scheduled = false;
  return () => {
    if (scheduled) return;
    scheduled = true;
    queueMicrotask(() => {
      scheduled = false;
      render();
    });
  };
}

/** Tells people who do not see the screen. */
export function announce(text: string): void {
  const news = document.querySelector('#announcements');
  if (news) news.append(element('p', {}, text));
  // A live region reads what is added; what was read may go.
  while (news && news.children.length > 5) news.firstElementChild?.remove();
}

/** What stands for a word: a letter, a digit or an emoji; a mark or a bracket does not. */
const standsForWord = /[\p{L}\p{N}\p{Extended_Pictographic}\p{Regional_Indicator}]/u;

/** The first characters of a name's first and last word, whole as people see them: emoji, flags and accents among them. */
export function initials(name: string): string {
  const firsts = name.split(/\s+/).flatMap((word) => graphemes(word).find((one) => standsForWord.test(one)) ?? []);
  const [first = graphemes(name.trim())[0] ?? '', ...others] = firsts;
  return [first, ...others.slice(-1)].map(capital).join('');
}

/** In upper case, where that is one character as well. */
function capital(character: string): string {
  const upper = character.toUpperCase();
  return graphemes(upper).length === 1 ? upper : character;
}

/** A hue that is the same for a name everywhere, in degrees. */
export function hueOf(name: string): number {
  let sum = 7;
  for (const letter of name) sum = (sum * 31 + (letter.codePointAt(0) ?? 0)) % 360;
  return sum;
}
