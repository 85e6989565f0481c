/** Creates and updates elements: by properties and text, never from HTML. */
import { createElement, type IconNode } from 'lucide';

export type Child = Node | string | undefined | false;
type Properties<K extends keyof HTMLElementTagNameMap> = Partial<
  Omit<HTMLElementTagNameMap[K], 'attributes' | 'children' | 'dataset' | 'style'>
> & {
  data?: Record<string, string>;
  /** Attributes without a property, `aria-...` among them. */
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

/** A Lucide icon; screen readers skip it and read the label of its button. */
export function icon(node: IconNode, size = 22): SVGElement {
  return createElement(node, {
    width: size,
    height: size,
    'stroke-width': 1.75,
    'aria-hidden': 'true',
    focusable: 'false',
  });
}

/** Sets the children of an element, moving as few as possible: a moved element loses its focus, a moved video pauses. */
export function reconcileChildren(parent: Element, children: readonly Element[]): void {
  const wanted = new Set(children);
  for (const child of [...parent.children]) {
    if (!wanted.has(child)) child.remove();
  }
  children.forEach((child, index) => {
    const current = parent.children[index];
    if (current !== child) parent.insertBefore(child, current ?? null);
  });
}

/**
 * Runs `render` in the next microtask, once for any number of calls until then. `requestAnimationFrame` would not run in a
 * hidden tab, where the audio of new participants must still start.
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

/** Lets screen readers read a text. */
export function announce(text: string): void {
  const region = document.querySelector('#announcements');
  region?.append(element('p', {}, text));
  // A live region reads what is appended: older texts can be removed.
  while (region && region.children.length > 5) region.firstElementChild?.remove();
}

/** Sets a text only where it differs: a live region would read the same text again. */
export function setText(target: Element, text: string): void {
  if (target.textContent !== text) target.textContent = text;
}
