/** Tests of names on the page: initials of whole characters, and sentences whose direction a name does not change. */
import { describe, expect, test, vi } from 'vitest';
import { initials } from '../../web/view/common/avatar.ts';
import { defaultDisplayName, parseDisplayName } from '../../web/view/common/displayName.ts';
import { isolate } from '../../web/view/locales/bidi.ts';
import { translate } from '../../web/view/locales/index.ts';

describe('initials', () => {
  test.each([
    ['Ada Lovelace', 'AL'],
    ['ada', 'A'],
    ['Ada Augusta King Lovelace', 'AL'],
    ['김철수', '김'],
    ['👨\u200d👩\u200d👧 Family', '👨\u200d👩\u200d👧F'],
    ['🇰🇷 Team', '🇰🇷T'],
    ['👩🏽\u200d💻', '👩🏽\u200d💻'],
    ['❤\ufe0f Ann', '❤\ufe0fA'],
    ['\u{1d4d0}da', '\u{1d4d0}'],
    ['e\u0301lan vital', 'E\u0301V'],
    ['नीरज कुमार', 'नीकु'],
    ['(Bob) "The" [Builder]', 'BB'],
    ['ßtephan ŉ', 'ßŉ'],
    ['ǆ', 'Ǆ'],
    ['...', '.'],
    ['  ', ''],
    ['', ''],
  ])('of %j are %j', (name, letters) => {
    expect(initials(name)).toBe(letters);
  });
});

describe('a sentence', () => {
  test('isolates a name that is written from right to left', () => {
    expect(isolate('שלום')).toBe('\u2068שלום\u2069');
    expect(isolate('علی (Ali)')).toBe('\u2068علی (Ali)\u2069');
    expect(translate('joined', { name: 'שלום 7' })).toContain('\u2068שלום 7\u2069');
  });

  test('is unchanged for other names', () => {
    for (const name of ['Ada', '김철수', 'Ω', '👩🏽\u200d💻', '7']) expect(isolate(name)).toBe(name);
  });
});

describe('a typed name', () => {
  test.each([
    [' Ada\u200b  Lovelace ', { name: 'Ada Lovelace' }],
    ['👨\u200d👩\u200d👧'.repeat(100), { name: '👨\u200d👩\u200d👧'.repeat(100) }],
    ['', { problem: translate('nameMissing') }],
    ['\u200b\u202e', { problem: translate('nameInvisible') }],
    ['x'.repeat(101), { problem: translate('nameTooLong', { count: 100 }) }],
  ])('%j is checked before it is sent', (typed, judged) => {
    expect(parseDisplayName(typed)).toEqual(judged);
  });
});

describe('the name of a participant who skips the lobby', () => {
  test("is that of the URL, or the last one used if it is short enough, or a guest's", () => {
    const stored = new Map([['weir.name', ' Ada\u200b  Lovelace ']]);
    vi.stubGlobal('localStorage', { getItem: (key: string) => stored.get(key) ?? null });
    expect(defaultDisplayName('Bob')).toBe('Bob');
    expect(defaultDisplayName(undefined)).toBe('Ada Lovelace');
    stored.set('weir.name', 'x'.repeat(200));
    expect(defaultDisplayName('')).toBe(`${'x'.repeat(99)}…`);
    stored.clear();
    expect(defaultDisplayName(undefined)).toBe(translate('guest'));
    vi.unstubAllGlobals();
  });
});
