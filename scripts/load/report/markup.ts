/** HTML templates that escape every value that is not markup itself. */

/** Trusted markup. Any other value in a template is escaped as text. */
export class Markup {
  readonly text: string;
  constructor(text: string) {
    this.text = text;
  }
}
export type Content = string | number | undefined | Markup | readonly Content[];

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

function textOf(content: Content): string {
  if (content instanceof Markup) return content.text;
  if (typeof content === 'object') return content.map(textOf).join('');
  return String(content ?? '').replaceAll(/[&<>"']/g, (letter) => ENTITIES[letter] ?? '');
}

export function html(parts: TemplateStringsArray, ...contents: readonly Content[]): Markup {
  return new Markup(String.raw({ raw: parts }, ...contents.map(textOf)));
}

/** A section with a heading; nothing where it has no content. */
export function section(title: string, content: Markup | false): Markup {
  return content ? html`<section><h2>${title}</h2>${content}</section>` : html``;
}
