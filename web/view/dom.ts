/** Owns how elements are made: by properties and text, never from HTML. */

type Child = Node | string | undefined | false;
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

/** Tells people who do not see the screen. */
export function announce(text: string): void {
  const news = document.querySelector('#news');
  if (news) news.textContent = text;
}
