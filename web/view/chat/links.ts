/** Finds the addresses in a text and makes them links: http, https and mailto, and nothing that hides where it leads. */
import { element } from '../common/dom.ts';

/** An address as far as it can reach; invisible characters end it. */
const candidates = /\b(?:https?:\/\/|mailto:)[^\s<>"\p{C}]+/giu;
const schemes: ReadonlySet<string> = new Set(['http:', 'https:', 'mailto:']);
/** What ends a sentence rather than an address. */
const punctuation = /[.,:;!?…。、，！？'"“”‘’»›*_~|]$/u;
const brackets: Readonly<Record<string, string>> = { ')': '(', ']': '[', '}': '{', '」': '「', '』': '『', '】': '【' };
/** Letters that look like Latin ones, in Cyrillic and Greek. */
const lookalike = /^[асԁеһіјӏорԛѕуѵԝхαικνορτυχ\d-]+$/u;
/** Scripts whose letters can be taken for those of another. */
const confusable = [/\p{Script=Latin}/u, /\p{Script=Cyrillic}/u, /\p{Script=Greek}/u, /\p{Script=Armenian}/u];

/** The text as text nodes and links. */
export function withLinks(text: string): Node[] {
  const nodes: Node[] = [];
  let shown = 0;
  for (const { 0: found, index } of text.matchAll(candidates)) {
    const written = withoutPunctuation(found);
    const link = linkTo(written);
    if (!link) continue;
    nodes.push(document.createTextNode(text.slice(shown, index)), ...link);
    shown = index + written.length;
  }
  nodes.push(document.createTextNode(text.slice(shown)));
  return nodes;
}

/** The link, and behind it the host where that is not what it looks like; undefined for what must not become a link. */
function linkTo(written: string): Node[] | undefined {
  const url = URL.canParse(written) ? new URL(written) : undefined;
  // A name before the host makes people read it as the host.
  if (!url || !schemes.has(url.protocol) || url.username || url.password) return undefined;
  if (url.protocol === 'mailto:' && !/^[^?@]+@[^?@]/.test(url.pathname)) return undefined;
  const link = element('a', { href: url.href, target: '_blank', rel: 'noopener noreferrer' }, written);
  const host = hiddenHost(written, url);
  return host === undefined ? [link] : [link, document.createTextNode(` (${host})`)];
}

/**
 * The host as the network has it (Punycode, RFC 3492), where it is written so that it can be taken for another one: in letters of
 * several scripts, in letters that look like Latin ones, or percent-encoded.
 */
export function hiddenHost(written: string, { protocol, hostname }: URL): string | undefined {
  if (protocol === 'mailto:') return undefined;
  const [host = ''] = written.replace(/^https?:\/\//i, '').split(/[/?#:\\]/, 1);
  if (/^[ -~]*$/.test(host)) return host.startsWith('[') || host.toLowerCase() === hostname ? undefined : hostname;
  const deceives = host
    .toLowerCase()
    .split(/[.。]/)
    .some((label) => {
      const scripts = confusable.filter((script) => script.test(label)).length;
      return scripts > 1 || (/[^ -~]/.test(label) && lookalike.test(label));
    });
  return deceives ? hostname : undefined;
}

/** Without the end of the sentence that the address stands in; a bracket belongs to it if it was opened in it. */
export function withoutPunctuation(address: string): string {
  let end = address;
  for (;;) {
    const last = end.at(-1) ?? '';
    const opening = brackets[last];
    const isUnopened = opening !== undefined && end.split(last).length > end.split(opening).length;
    if (!isUnopened && !punctuation.test(end)) return end;
    end = end.slice(0, -1);
  }
}
