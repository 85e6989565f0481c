/**
 * Canonical forms of room names and display names, by the Nickname profile of PRECIS (RFC 8266).
 *
 * Room names are compared, so they take the profile's comparison form: spaces are mapped and collapsed, letters are
 * lowercased, and the result is normalized to NFKC. Display names are shown, so they keep case and compatibility characters
 * (NFC). Both deviate from the profile where it refuses characters in common use: invisible code points are removed instead
 * of refused, emoji sequences keep their joiners, and Hangul compatibility jamo are not decomposed.
 */

/** Maximum length of a room name, in code points. */
export const MAX_ROOM_NAME = 256;
/** Maximum length of a display name, in grapheme clusters. */
export const MAX_DISPLAY_NAME = 100;
/** Maximum number of combining marks per character of a display name: more overlap the lines above and below. */
const MAX_MARKS = 6;
/** The profile applies its rules until the result is stable. A name that is not stable after so many rounds is refused. */
const MAX_ROUNDS = 4;

/** How many code units around a joiner decide whether it is visible. The longest emoji sequence has fewer. */
const CONTEXT = 48;

/** Word separators: every Unicode space, and the blank braille pattern. */
const spaces = /[\p{Zs}\u2800]+/gu;
/** Line breaks and tabs. */
const breaks = /[\t-\r\u0085\u2028\u2029]+/gu;
/** Code points that are invisible by themselves: joiners, fillers, direction marks, variation selectors, annotations. */
const ignorable = /[\p{Default_Ignorable_Code_Point}\ufff9-\ufffb\u{1d159}]/gu;
/** Code points that the profile disallows: controls, unassigned and private code points, conjoining jamo. */
const disallowed = /[\p{Cc}\p{Cn}\p{Co}\p{Cs}\p{Zl}\p{Zp}\u1100-\u11ff\ua960-\ua97f\ud7b0-\ud7fb]/u;
const hangulCompatibilityJamo = /([\u3131-\u318e]+)/;
const excessMarks = new RegExp(`([\\p{Mn}\\p{Me}]{${MAX_MARKS}})[\\p{Mn}\\p{Me}]+`, 'gu');
const visible = /[\p{L}\p{N}\p{S}\p{P}]/u;

const ZWNJ = '\u200c';
const ZWJ = '\u200d';
/** Viramas (canonical combining class 9). A joiner after one of these changes the shape of letters (RFC 5892, A.1 and A.2). */
const afterVirama =
  /[\u{94d}\u{9cd}\u{a4d}\u{acd}\u{b4d}\u{bcd}\u{c4d}\u{ccd}\u{d3b}\u{d3c}\u{d4d}\u{dca}\u{e3a}\u{eba}\u{f84}\u{1039}\u{103a}\u{1714}\u{1715}\u{1734}\u{17d2}\u{1a60}\u{1b44}\u{1baa}\u{1bab}\u{1bf2}\u{1bf3}\u{2d7f}\u{a806}\u{a82c}\u{a8c4}\u{a953}\u{a9c0}\u{aaf6}\u{abed}\u{10a3f}\u{11046}\u{11070}\u{1107f}\u{110b9}\u{11133}\u{11134}\u{111c0}\u{11235}\u{112ea}\u{1134d}\u{11442}\u{114c2}\u{115bf}\u{1163f}\u{116b6}\u{1172b}\u{11839}\u{1193d}\u{1193e}\u{119e0}\u{11a34}\u{11a47}\u{11a99}\u{11c3f}\u{11d44}\u{11d45}\u{11d97}]$/u;
/** Letters of cursive scripts. ZWNJ between two of them is visible. */
const joining =
  '[\\p{Script=Arabic}\\p{Script=Syriac}\\p{Script=Mongolian}\\p{Script=Nko}\\p{Script=Mandaic}\\p{Script=Phags_Pa}\\p{Script=Adlam}\\p{Script=Hanifi_Rohingya}]';
const afterJoiningLetter = new RegExp(`${joining}\\p{Mn}*$`, 'u');
const beforeJoiningLetter = new RegExp(`^\\p{Mn}*${joining}`, 'u');
const afterEmoji = /[\p{Extended_Pictographic}\p{Emoji_Modifier}]\ufe0f?$/u;
const beforeEmoji = /^\p{Extended_Pictographic}/u;
/** A subdivision flag: a black flag, its region code in tag characters, and the cancel tag. */
const tagSequence = /^\u{1f3f4}[\u{e0020}-\u{e007e}]+\u{e007f}/u;
/** Includes digits, for keycap sequences. */
const afterSelectable = /\p{Emoji}$/u;
const afterHan = /\p{Script=Han}$/u;
const afterMongolian = /\p{Script=Mongolian}$/u;

/**
 * The canonical form of a room name: the same for all spellings that people take for the same name.
 * @returns undefined if it is not a valid room name
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
 * A display name without invisible characters, line breaks and direction marks, which would alter the text around it.
 * @returns an empty string if nothing of it is visible
 */
export function displayName(name: string): string {
  const shown = collapsed(
    withoutIgnorable(name.toWellFormed().replace(breaks, ' '), keepsAppearance)
      .replace(/\p{Cc}+/gu, '')
      .normalize('NFC'),
  ).replace(excessMarks, '$1');
  return visible.test(shown) ? shown : '';
}

/** A display name, truncated to the maximum length: for names that their owner cannot be asked to shorten. */
export function shortDisplayName(name: string): string {
  const shown = displayName(name);
  const characters = graphemes(shown);
  if (characters.length <= MAX_DISPLAY_NAME) return shown;
  return `${characters
    .slice(0, MAX_DISPLAY_NAME - 1)
    .join('')
    .trimEnd()}…`;
}

/** Whether anything of a text can be seen: a letter, digit, symbol or punctuation mark that is not blank. */
export function isVisible(text: string): boolean {
  return visible.test(text.replace(ignorable, '').replace(spaces, ''));
}

/** The grapheme clusters of a text: its characters, as people count them. */
export function graphemes(text: string): string[] {
  return Array.from(new Intl.Segmenter('en', { granularity: 'grapheme' }).segment(text), ({ segment }) => segment);
}

/** Trims spaces, and collapses each run of them to one. */
function collapsed(text: string): string {
  return text.replace(spaces, ' ').replace(/^ | $/g, '');
}

/** NFKC, except for compatibility jamo, which it would decompose into obsolete letters. */
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

/** Removes invisible code points, except those which `keeps` says change how their neighbours look. */
function withoutIgnorable(text: string, keeps: (before: string, code: string, after: string) => boolean): string {
  return text.replace(ignorable, (code, offset: number) =>
    keeps(text.slice(Math.max(0, offset - CONTEXT), offset), code, text.slice(offset + code.length).slice(0, CONTEXT))
      ? code
      : '',
  );
}

/** Whether a joiner is visible: in scripts whose letters join or stack, and in emoji sequences. */
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

/** As `keepsJoiner`, and variation selectors too. */
function keepsAppearance(before: string, code: string, after: string): boolean {
  if (code === '\ufe0f' || code === '\ufe0e') return afterSelectable.test(before);
  if (code >= '\u{e0100}' && code <= '\u{e01ef}') return afterHan.test(before);
  if (code >= '\u180b' && code <= '\u180d') return afterMongolian.test(before);
  return keepsJoiner(before, code, after);
}
