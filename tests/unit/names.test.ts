/** Covers the rules for names: the canonical form of room names, and the form in which display names are shown. */
import { describe, expect, test } from 'vitest';
import { canonicalRoomName, displayName, graphemes, MAX_DISPLAY_NAME, shortDisplayName } from '../../shared/names.ts';
import { DisplayName, RoomName } from '../../shared/protocol.ts';
import { validationSentence } from '../../shared/validation.ts';

describe('a room name', () => {
  test.each([
    ['composed and decomposed letters', 'caf\u00e9', 'cafe\u0301', 'café'],
    ['composed and decomposed syllables', '\ud55c\uae00', '\u1112\u1161\u11ab\u1100\u1173\u11af', '한글'],
    ['cases', 'TEAM', 'Team', 'team'],
    ['cases beyond ASCII', 'ÉQUIPE', 'équipe', 'équipe'],
    ['full width', 'Ｔｅａｍ１', 'team1', 'team1'],
    ['ligatures', 'o\ufb03ce', 'office', 'office'],
    ['no-break and other spaces', 'a\u00a0b', 'a\u3000\u2009b', 'a b'],
    ['doubled and outer spaces', ' a  b ', 'a b', 'a b'],
    ['the lines that a pasted name ends in', 'a b\n', '\r\na b', 'a b'],
    ['zero-width spaces and joiners', 'te\u200bam', '\ufeffte\u2060am\u200d', 'team'],
    ['soft hyphens and fillers', 'te\u00adam\u3164', 'team\u115f', 'team'],
    ['direction marks, embeddings and isolates', '\u202eteam\u202c', '\u2066te\u200fam\u2069', 'team'],
    ['variation selectors', '❤\ufe0f', '❤', '❤'],
    ['the blank of braille', 'a\u2800b', 'a b', 'a b'],
    ['stray joiners in and around emoji', '👍\u200d', '\u200d👍', '👍'],
  ])('is the same, whatever its %s', (_what, one, other, canonical) => {
    expect(canonicalRoomName(one)).toBe(canonical);
    expect(canonicalRoomName(other)).toBe(canonical);
  });

  test.each([
    ['letters with and without marks', 'cafe', 'café'],
    ['emoji that are joined and not', '👨\u200d👩\u200d👧', '👨👩👧'],
    ['flags', '🏴\u{e0067}\u{e0062}\u{e0065}\u{e006e}\u{e0067}\u{e007f}', '🏴'],
    ['words in whose script a joiner shows', 'نامه\u200cای', 'نامهای'],
    ['conjuncts', 'क्\u200dष', 'क्ष'],
    ['compatibility jamo', 'ㅋㅋ', 'ㅋ'],
    // Outside the profile: letters of different scripts are not compared.
    ['look-alikes of other scripts', 'pay', 'рау'],
  ])('differs for different %s', (_what, one, other) => {
    expect(canonicalRoomName(one)).toBeDefined();
    expect(canonicalRoomName(one)).not.toBe(canonicalRoomName(other));
  });

  test.each([
    '',
    ' ',
    '\u200b\u200d',
    '\u202e',
    '\u0301',
    '\u3164',
    '.',
    '..',
    '‥',
    'a/b',
    'a／b',
    '℀',
    'a\nb',
    'a\tb',
    'a\0b',
    'a\u0085b',
    'a\u2028b',
    '\ud800',
    '\ue000',
    '\u1112',
    'ﷺ'.repeat(20),
    'x'.repeat(257),
  ])('%j is invalid', (name) => {
    expect(canonicalRoomName(name)).toBeUndefined();
    expect(RoomName.safeParse(name).success).toBe(false);
  });

  test('is its own canonical form', () => {
    for (const name of [
      'Straße ΑΣ',
      'İstanbul',
      'ǅ',
      '㎏',
      'ﬁn',
      '¨x',
      'a´',
      'Ⅷ',
      '한 글 ㅋㅋ',
      '👩🏽‍💻 Team',
      'ꙮ',
      'ſ',
    ]) {
      const canonical = canonicalRoomName(name);
      expect(canonical, name).toBeDefined();
      expect(canonicalRoomName(canonical ?? ''), name).toBe(canonical);
    }
  });

  test('is checked quickly, whatever its content', () => {
    const since = performance.now();
    for (const filling of ['\u200d', '🏴\u{e0067}', '\u0301', 'ㅋ', '\u094d\u200d', ' \u200b']) {
      RoomName.safeParse(filling.repeat(500));
      DisplayName.safeParse(filling.repeat(1000));
    }
    expect(performance.now() - since).toBeLessThan(1000);
  });
});

describe("a person's name", () => {
  test.each([
    ['  Ada   Lovelace ', 'Ada Lovelace'],
    ['Ada\nLovelace\u2028!', 'Ada Lovelace !'],
    ['Ada\u00a0\u3000Lovelace', 'Ada Lovelace'],
    ['\u202eAda\u202c', 'Ada'],
    ['\u2066Ada\u2069\u200f', 'Ada'],
    ['A\u200bd\u2060a\ufeff', 'Ada'],
    ['A\0d\u001ba', 'Ada'],
    ['Zoe\u0308', 'Zo\u00eb'],
    ['Ｚｏë ①', 'Ｚｏë ①'],
    ['ㅋㅋ민수', 'ㅋㅋ민수'],
    ['علی\u200cرضا', 'علی\u200cرضا'],
    ['葛\u{e0100}城', '葛\u{e0100}城'],
    ['👨\u200d👩\u200d👧 ❤\ufe0f', '👨\u200d👩\u200d👧 ❤\ufe0f'],
    ['👩🏽\u200d💻 1\ufe0f\u20e3 🇰🇷', '👩🏽\u200d💻 1\ufe0f\u20e3 🇰🇷'],
    ['☎\ufe0e a\ufe0e', '☎\ufe0e a'],
    [
      '🏴\u{e0067}\u{e0062}\u{e0065}\u{e006e}\u{e0067}\u{e007f}',
      '🏴\u{e0067}\u{e0062}\u{e0065}\u{e006e}\u{e0067}\u{e007f}',
    ],
    [`Z${'\u0351'.repeat(40)}`, `Z${'\u0351'.repeat(6)}`],
    ['...', '...'],
  ])('%j is displayed as %j', (written, shown) => {
    expect(displayName(written)).toBe(shown);
    expect(DisplayName.parse(written)).toBe(shown);
  });

  test.each([
    '',
    ' ',
    '\u200b',
    '\u200d\u200d',
    '\u202e\u2066',
    '\u0301\u0302',
    '\u3164',
    '\u2800',
    '\u00ad',
    '\n\t',
    '\0',
  ])('%j displays as nothing, and is rejected with an explanation', (written) => {
    expect(displayName(written)).toBe('');
    const { error } = DisplayName.safeParse(written);
    expect(error && validationSentence(error)).toBe('A name needs a visible letter, digit or symbol.');
  });

  test('is measured in grapheme clusters, and refused with a sentence if it is too long', () => {
    const family = '👨\u200d👩\u200d👧\u200d👦';
    expect(DisplayName.parse(family.repeat(MAX_DISPLAY_NAME))).toBe(family.repeat(MAX_DISPLAY_NAME));
    for (const long of [
      family.repeat(MAX_DISPLAY_NAME + 1),
      'x'.repeat(101),
      'e\u0301'.repeat(101),
      'x'.repeat(9999),
    ]) {
      const { error } = DisplayName.safeParse(long);
      expect(error && validationSentence(error)).toBe('A name may have up to 100 characters.');
    }
  });

  test('is truncated at whole characters in a token', () => {
    expect(shortDisplayName('Ada')).toBe('Ada');
    const cut = shortDisplayName('👍🏽'.repeat(150));
    expect(cut).toBe(`${'👍🏽'.repeat(99)}…`);
    expect(graphemes(cut).length).toBe(MAX_DISPLAY_NAME);
    expect(shortDisplayName('\ud800Ada')).toBe('\ufffdAda');
  });
});
