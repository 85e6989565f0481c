/** The display name of the user: validation of what is typed, and the default where no name is asked for. */
import { displayName, graphemes, MAX_DISPLAY_NAME, shortDisplayName } from '../../client/index.ts';
import { translate } from '../locales/index.ts';
import { preferences } from '../storage/preferences.ts';

/** @returns the name as it will be displayed, or the message of what is wrong with it */
export function parseDisplayName(typed: string): { readonly name: string } | { readonly problem: string } {
  if (typed.trim() === '') return { problem: translate('nameMissing') };
  const name = displayName(typed);
  if (name === '') return { problem: translate('nameInvisible') };
  if (graphemes(name).length > MAX_DISPLAY_NAME)
    return { problem: translate('nameTooLong', { count: MAX_DISPLAY_NAME }) };
  return { name };
}

/** The name for a join without a lobby: from the address, else the stored one, else that of a guest. */
export function defaultDisplayName(given: string | undefined): string {
  return given || shortDisplayName(preferences.name.get()) || translate('guest');
}
