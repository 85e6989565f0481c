/** One's own name: what is typed for it, judged in words before it is sent, and what stands for it where nobody is asked. */
import { displayName, graphemes, MAX_DISPLAY_NAME, shortDisplayName } from '../../client/index.ts';
import { translate } from '../locales/index.ts';
import { preferences } from '../storage/preferences.ts';

/** A name as it will be shown, or what is wrong with it. */
export function parseDisplayName(typed: string): { readonly name: string } | { readonly problem: string } {
  if (typed.trim() === '') return { problem: translate('nameMissing') };
  const name = displayName(typed);
  if (name === '') return { problem: translate('nameInvisible') };
  if (graphemes(name).length > MAX_DISPLAY_NAME)
    return { problem: translate('nameTooLong', { count: MAX_DISPLAY_NAME }) };
  return { name };
}

/** The name of whoever enters without being asked: from the address, from the last time, or that of a guest. */
export function defaultDisplayName(given: string | undefined): string {
  return given || shortDisplayName(preferences.name.get()) || translate('guest');
}
