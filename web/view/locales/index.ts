/** The language of the page, and its messages. */
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

/** The language that was chosen before, else the first supported one of the browser's, else English. */
function preferredLanguage(): Language {
  const stored = preferences.language.get();
  if (isLanguage(stored)) return stored;
  return navigator.languages.map((tag) => tag.slice(0, 2)).find(isLanguage) ?? 'en';
}

export const language: Language = preferredLanguage();

/** Stores the language and reloads the page; a call rejoins after the reload. */
export function chooseLanguage(next: Language): void {
  preferences.language.set(next);
  location.reload();
}

/** Translates the messages of these catalogs, one per language; a page that is loaded on demand brings its own. */
export function translator<K extends string>(catalogs: Readonly<Record<Language, Readonly<Record<K, string>>>>) {
  /**
   * A message in the language of the page.
   * @param values for the placeholders, such as `{name}`; right-to-left values are isolated from the text around them
   */
  return (key: K, values: Readonly<Record<string, string | number>> = {}): string =>
    catalogs[language][key].replace(/\{(\w+)\}/g, (placeholder, name: string) =>
      isolate(String(values[name] ?? placeholder)),
    );
}

export const translate = translator<MessageKey>(languages);
