/** A page without a browser: the parts of elements that lists and tiles use. */
import { vi } from 'vitest';

/** An element with children. It counts how often it has been taken out of its parent. */
export class FakeElement extends EventTarget {
  readonly tag: string;
  readonly dataset: Record<string, string> = {};
  readonly classList = { toggle: () => {}, add: () => {}, remove: () => {}, contains: () => false };
  readonly style = { setProperty: () => {} };
  ariaLabel = '';
  className = '';
  hidden = false;
  disabled = false;
  textContent = '';
  children: FakeElement[] = [];
  parent: FakeElement | undefined;
  removals = 0;

  constructor(tag: string) {
    super();
    this.tag = tag;
  }

  append(...nodes: unknown[]) {
    for (const node of nodes) {
      if (node instanceof FakeElement) this.insertBefore(node, null);
      else this.textContent += String(node);
    }
  }

  appendChild(node: FakeElement) {
    this.append(node);
  }

  insertBefore(node: FakeElement, before: FakeElement | null) {
    node.remove();
    const index = before ? this.children.indexOf(before) : this.children.length;
    this.children.splice(index, 0, node);
    node.parent = this;
  }

  replaceChildren(...nodes: unknown[]) {
    for (const child of [...this.children]) child.remove();
    this.append(...nodes);
  }

  remove() {
    if (!this.parent) return;
    this.parent.children = this.parent.children.filter((child) => child !== this);
    this.parent = undefined;
    this.removals += 1;
  }

  querySelector(tag: string): FakeElement | null {
    return this.children.find((child) => child.tag === tag) ?? null;
  }

  /** All elements of a tag in it. */
  all(tag: string): FakeElement[] {
    return this.children.flatMap((child) => [...(child.tag === tag ? [child] : []), ...child.all(tag)]);
  }

  contains(node: unknown): boolean {
    return this === node || this.children.some((child) => child.contains(node));
  }

  setAttribute() {}

  requestVideoFrameCallback() {}

  focus() {}
}

/** Replaces the document. @returns what screen readers were told */
export function stubPage(): string[] {
  const announced: string[] = [];
  const announcements = { children: [], append: ({ textContent }: FakeElement) => announced.push(textContent) };
  vi.stubGlobal('HTMLElement', FakeElement);
  vi.stubGlobal('document', {
    createElement: (tag: string) => new FakeElement(tag),
    createElementNS: (_: string, tag: string) => new FakeElement(tag),
    querySelector: () => announcements,
    addEventListener: () => {},
    activeElement: null,
  });
  return announced;
}

/** An element of a page as the fake one that it is. */
export function fakeOf(element: unknown): FakeElement {
  if (!(element instanceof FakeElement)) throw new Error('this is no fake element');
  return element;
}
