/** Text of others inside ours: letters that run from right to left stay among themselves. */

/** What begins a run from right to left: Hebrew, Arabic and the blocks of scripts like them. */
const rightToLeft = /[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufefc\u{10800}-\u{10fff}\u{1e800}-\u{1efff}]/u;
const FIRST_STRONG_ISOLATE = '\u2068';
const POP_DIRECTIONAL_ISOLATE = '\u2069';

/**
 * A text as it stands in a sentence, for where there are no elements to isolate it: labels, titles, what is announced.
 * Without it a name turns the order of the words and signs around it.
 */
export function isolate(text: string): string {
  return rightToLeft.test(text) ? `${FIRST_STRONG_ISOLATE}${text}${POP_DIRECTIONAL_ISOLATE}` : text;
}
