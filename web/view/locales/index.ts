/** Owns the language of the page: which it is, and how a sentence is filled in. */

import { preferences } from '../storage/preferences.ts';
import { isolate } from './bidi.ts';
import { en, type MessageKey } from './en.ts';
import { ko } from './ko.ts';

export type { MessageKey } from './en.ts';

const languages = { en, ko } as const;
export type Language = keyof typeof languages;
export const languageNames: Readonly<Record<Language, string>> = { en: en.language, ko: ko.language };

function isLanguage(value: string): value is Language {
  return Object.hasOwn(languages, value);
}

/** What was chosen before, else the first of the browser's languages that we have, else English. */
function preferredLanguage(): Language {
  const chosen = preferences.language.get();
  if (isLanguage(chosen)) return chosen;
  return navigator.languages.map((tag) => tag.slice(0, 2)).find(isLanguage) ?? 'en';
}

export const language: Language = preferredLanguage();

/** Another language takes a new page: whoever changes it is in the lobby, or rejoins. */
export function chooseLanguage(next: Language): void {
  preferences.language.set(next);
  location.reload();
}

/** A sentence in the page's language, with its blanks filled in; what is filled in turns nothing around it. */
export function translate(key: MessageKey, blanks: Readonly<Record<string, string | number>> = {}): string {
  return languages[language][key].replace(/\{(\w+)\}/g, (blank, name: string) =>
    isolate(String(blanks[name] ?? blank)),
  );
}
