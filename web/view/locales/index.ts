/** Owns the language of the page: which it is, and how a sentence is filled in. */

import { isolated } from '../common/bidi.ts';
import { preferences } from '../common/preferences.ts';
import { en, type WordKey } from './en.ts';
import { ko } from './ko.ts';

export type { WordKey } from './en.ts';

const languages = { en, ko } as const;
export type Language = keyof typeof languages;
export const languageNames: Readonly<Record<Language, string>> = { en: en.language, ko: ko.language };

function isLanguage(value: string): value is Language {
  return Object.hasOwn(languages, value);
}

/** What was chosen before, else the first of the browser's languages that we have, else English. */
function preferred(): Language {
  const chosen = preferences.language.get();
  if (isLanguage(chosen)) return chosen;
  return navigator.languages.map((tag) => tag.slice(0, 2)).find(isLanguage) ?? 'en';
}

export const language: Language = preferred();

/** Another language takes a new page: whoever changes it is in the lobby, or rejoins. */
export function chooseLanguage(next: Language): void {
  preferences.language.set(next);
  location.reload();
}

/** A sentence in the page's language, with its blanks filled in; what is filled in turns nothing around it. */
export function translate(key: WordKey, blanks: Readonly<Record<string, string | number>> = {}): string {
  return languages[language][key].replace(/\{(\w+)\}/g, (blank, name: string) =>
    isolated(String(blanks[name] ?? blank)),
  );
}
