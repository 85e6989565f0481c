/**
 * Names of rooms and of people: one form for every way of writing a name, by the Nickname profile of PRECIS (RFC 8266).
 *
 * A room's name is compared, so it takes the profile's comparison form: spaces are mapped and collapsed, letters are
 * lowercased, and the result is normalized to NFKC. A person's name is shown, so it keeps its case and its compatibility
 * characters (NFC). Both differ from the profile where it refuses what people do use: code points that show nothing are
 * removed instead of refused, emoji sequences keep their joiners, and Hangul compatibility jamo stay as they are.
 */

/** How long a room's name may be, in code points. */
export const MAX_ROOM_NAME = 256;
/** How long a person's name may be, in characters as people count them (grapheme clusters). */
export const MAX_DISPLAY_NAME = 100;
/** Combining marks that one character of a person's name may have: more run into the lines above and below. */
const MAX_MARKS = 6;
/** The profile applies its rules until nothing changes any more; what still changes after so many times is refused. */
const MAX_ROUNDS = 4;

/** So many code units around a joiner say whether it shows; the longest sequence of emoji has fewer. */
const CONTEXT = 48;

/** What separates words: every space of Unicode, and the braille pattern that shows none of its dots. */
const spaces = /[\p{Zs}\u2800]+/gu;
/** What ends a line, and tabs. */
const breaks = /[\t-\r\u0085\u2028\u2029]+/gu;
/** Code points that show nothing by themselves: joiners, fillers, direction marks, variation selectors, annotations. */
const ignorable = /[\p{Default_Ignorable_Code_Point}\ufff9-\ufffb\u{1d159}]/gu;
/** Not in any class that the profile allows: controls, unassigned and private code points, conjoining jamo. */
const disallowed = /[\p{Cc}\p{Cn}\p{Co}\p{Cs}\p{Zl}\p{Zp}\u1100-\u11ff\ua960-\ua97f\ud7b0-\ud7fb]/u;
const hangulCompatibilityJamo = /([\u3131-\u318e]+)/;
const excessMarks = new RegExp(`([\\p{Mn}\\p{Me}]{${MAX_MARKS}})[\\p{Mn}\\p{Me}]+`, 'gu');
const visible = /[\p{L}\p{N}\p{S}\p{P}]/u;

const ZWNJ = '\u200c';
const ZWJ = '\u200d';
/** Canonical combining class 9. A joiner after one of these changes how the letters are shown (RFC 5892, A.1 and A.2). */
const afterVirama =
  /[\u{94d}\u{9cd}\u{a4d}\u{acd}\u{b4d}\u{bcd}\u{c4d}\u{ccd}\u{d3b}\u{d3c}\u{d4d}\u{dca}\u{e3a}\u{eba}\u{f84}\u{1039}\u{103a}\u{1714}\u{1715}\u{1734}\u{17d2}\u{1a60}\u{1b44}\u{1baa}\u{1bab}\u{1bf2}\u{1bf3}\u{2d7f}\u{a806}\u{a82c}\u{a8c4}\u{a953}\u{a9c0}\u{aaf6}\u{abed}\u{10a3f}\u{11046}\u{11070}\u{1107f}\u{110b9}\u{11133}\u{11134}\u{111c0}\u{11235}\u{112ea}\u{1134d}\u{11442}\u{114c2}\u{115bf}\u{1163f}\u{116b6}\u{1172b}\u{11839}\u{1193d}\u{1193e}\u{119e0}\u{11a34}\u{11a47}\u{11a99}\u{11c3f}\u{11d44}\u{11d45}\u{11d97}]$/u;
/** Letters of the scripts whose letters join: between two of them ZWNJ shows. */
const joining =
  '[\\p{Script=Arabic}\\p{Script=Syriac}\\p{Script=Mongolian}\\p{Script=Nko}\\p{Script=Mandaic}\\p{Script=Phags_Pa}\\p{Script=Adlam}\\p{Script=Hanifi_Rohingya}]';
const afterJoiningLetter = new RegExp(`${joining}\\p{Mn}*$`, 'u');
const beforeJoiningLetter = new RegExp(`^\\p{Mn}*${joining}`, 'u');
const afterEmoji = /[\p{Extended_Pictographic}\p{Emoji_Modifier}]\ufe0f?$/u;
const beforeEmoji = /^\p{Extended_Pictographic}/u;
/** A flag of a part of a country: a black flag, then its code in tags, up to the tag that ends it. */
const tagSequence = /^\u{1f3f4}[\u{e0020}-\u{e007e}]+\u{e007f}/u;
/** Digits among them, for keycaps. */
const afterSelectable = /\p{Emoji}$/u;
const afterHan = /\p{Script=Han}$/u;
const afterMongolian = /\p{Script=Mongolian}$/u;

/**
 * The one form of a room's name: the same for all that people take for one name.
 * @returns undefined for what is no room's name
 */
export function canonicalRoomName(name: string): string | undefined {
  if (!name.isWellFormed()) return undefined;
  let current = name.trim();
  for (let round = 0; round < MAX_ROUNDS; round += 1) {
    const next = compatible(collapsed(withoutIgnorable(current, keepsJoiner)).toLowerCase());
    if (next === current) return isRoomName(current) ? current : undefined;
    current = next;
  }
  return undefined;
}

/**
 * A person's name as it is shown: without what shows nothing, breaks lines or turns the text around it.
 * @returns the empty string when nothing of it can be seen
 */
export function displayName(name: string): string {
  const shown = collapsed(
    withoutIgnorable(name.toWellFormed().replace(breaks, ' '), keepsAppearance)
      .replace(/\p{Cc}+/gu, '')
      .normalize('NFC'),
  ).replace(excessMarks, '$1');
  return visible.test(shown) ? shown : '';
}

/** The same, cut to the length that names may have: for names that nobody can be asked to shorten. */
export function shortDisplayName(name: string): string {
  const shown = displayName(name);
  const characters = graphemes(shown);
  if (characters.length <= MAX_DISPLAY_NAME) return shown;
  return `${characters
    .slice(0, MAX_DISPLAY_NAME - 1)
    .join('')
    .trimEnd()}…`;
}

/** The characters of a text as people count them. */
export function graphemes(text: string): string[] {
  return Array.from(new Intl.Segmenter('en', { granularity: 'grapheme' }).segment(text), ({ segment }) => segment);
}

/** Without spaces at its ends, and with one space wherever there are some. */
function collapsed(text: string): string {
  return text.replace(spaces, ' ').replace(/^ | $/g, '');
}

/** NFKC, but for compatibility jamo, which it would take apart into letters that are no longer in use. */
function compatible(text: string): string {
  return text
    .split(hangulCompatibilityJamo)
    .map((part, index) => (index % 2 === 1 ? part : part.normalize('NFKC')))
    .join('');
}

function isRoomName(name: string): boolean {
  return (
    name !== '' &&
    name !== '.' &&
    name !== '..' &&
    [...name].length <= MAX_ROOM_NAME &&
    !name.includes('/') &&
    !disallowed.test(name) &&
    visible.test(name)
  );
}

/** Removes what shows nothing, but for what `keeps` says changes how its neighbours are shown. */
function withoutIgnorable(text: string, keeps: (before: string, code: string, after: string) => boolean): string {
  return text.replace(ignorable, (code, offset: number) =>
    keeps(text.slice(Math.max(0, offset - CONTEXT), offset), code, text.slice(offset + code.length).slice(0, CONTEXT))
      ? code
      : '',
  );
}

/** Joiners that show: in scripts whose letters join or stack, and in sequences of emoji. */
function keepsJoiner(before: string, code: string, after: string): boolean {
  if (code === ZWJ) return afterVirama.test(before) || (afterEmoji.test(before) && beforeEmoji.test(after));
  if (code === ZWNJ) {
    return afterVirama.test(before) || (afterJoiningLetter.test(before) && beforeJoiningLetter.test(after));
  }
  if (code < '\u{e0020}' || code > '\u{e007f}') return false;
  const flag = before.lastIndexOf('\u{1f3f4}');
  const [sequence = ''] = flag < 0 ? [] : (tagSequence.exec(before.slice(flag) + code + after) ?? []);
  return flag + sequence.length > before.length;
}

/** And the selectors of a character's variant. */
function keepsAppearance(before: string, code: string, after: string): boolean {
  if (code === '\ufe0f' || code === '\ufe0e') return afterSelectable.test(before);
  if (code >= '\u{e0100}' && code <= '\u{e01ef}') return afterHan.test(before);
  if (code >= '\u180b' && code <= '\u180d') return afterMongolian.test(before);
  return keepsJoiner(before, code, after);
}
