/** Avatars: the initials of a name on a colour that follows from the name. */
import { graphemes } from '../../client/index.ts';
import { element } from './dom.ts';

/** Characters that can stand for a word: letters, digits and emoji; marks and brackets cannot. */
const wordCharacter = /[\p{L}\p{N}\p{Extended_Pictographic}\p{Regional_Indicator}]/u;

/** An avatar for a name; screen readers skip it, since the name stands beside it. */
export function avatar(name = ''): HTMLElement {
  const root = element('span', { className: 'avatar', ariaHidden: 'true' });
  updateAvatar(root, name);
  return root;
}

/** Shows another name on an avatar. */
export function updateAvatar(root: HTMLElement, name: string): void {
  root.textContent = initials(name);
  root.style.setProperty('--hue', String(hueOf(name)));
}

/** The first characters of the first and the last word of a name; a character is a grapheme, such as an emoji or a flag. */
export function initials(name: string): string {
  const firsts = name.split(/\s+/).flatMap((word) => graphemes(word).find((one) => wordCharacter.test(one)) ?? []);
  const [first = graphemes(name.trim())[0] ?? '', ...others] = firsts;
  return [first, ...others.slice(-1)].map(capital).join('');
}

/** In upper case, unless that makes it more than one character. */
function capital(character: string): string {
  const upper = character.toUpperCase();
  return graphemes(upper).length === 1 ? upper : character;
}

/** A hue in degrees, the same for the same name on every page. */
function hueOf(name: string): number {
  let sum = 7;
  for (const letter of name) sum = (sum * 31 + (letter.codePointAt(0) ?? 0)) % 360;
  return sum;
}
