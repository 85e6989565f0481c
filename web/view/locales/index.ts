/** The language of the page, and its messages. */
import { preferences } from '../storage/preferences.ts';
import { isolate } from './bidi.ts';
import { en, type MessageKey } from './en.ts';

export type { MessageKey } from './en.ts';

/** The names of the languages, each in itself. */
export const languageNames = { en: 'English', ko: '한국어' } as const;
export type Language = keyof typeof languageNames;

type Catalog<K extends string> = Readonly<Record<K, string>>;

function isLanguage(value: string): value is Language {
  return Object.hasOwn(languageNames, value);
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

/** The messages of the page. English is part of it, other languages are loaded. */
let messages: Catalog<MessageKey> = en;

/**
 * Loads the messages of the page's language; to be awaited before anything is shown. Without them the page is in English.
 * @returns undefined where nothing needs to be loaded
 */
export function loadMessages(): Promise<void> | undefined {
  if (language === 'en') return undefined;
  return import('./ko.ts').then(
    ({ ko }) => {
      messages = ko;
    },
    (error: unknown) => console.warn('The Korean messages could not be loaded; the page is in English.', error),
  );
}

/** Makes the function that reads a catalog in the language of the page. */
function translateFrom<K extends string>(catalog: () => Catalog<K>) {
  /**
   * A message in the language of the page.
   * @param values for the placeholders, such as `{name}`; right-to-left values are isolated from the text around them
   */
  return (key: K, values: Readonly<Record<string, string | number>> = {}): string =>
    catalog()[key].replace(/\{(\w+)\}/g, (placeholder, name: string) => isolate(String(values[name] ?? placeholder)));
}

/** Translates the messages of these catalogs, one per language; what is loaded on demand brings its own. */
export function translator<K extends string>(catalogs: Readonly<Record<Language, Catalog<K>>>) {
  return translateFrom(() => catalogs[language]);
}

export const translate = translateFrom<MessageKey>(() => messages);
