/** Loads a part of a page when it is first asked for. */
import { translate } from '../locales/index.ts';
import type { Toasts } from './Toasts.ts';

/**
 * Makes a function that loads a part and shows it. While it runs, it is not run again; where the part cannot be loaded, a message
 * says so.
 */
export function partLoader(toasts: Pick<Toasts, 'showError'>): (load: () => Promise<void>) => void {
  let loading = false;
  return (load) => {
    if (loading) return;
    loading = true;
    load()
      .catch(() => toasts.showError(translate('unreachable')))
      .finally(() => {
        loading = false;
      });
  };
}
