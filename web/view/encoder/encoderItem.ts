/** The menu item that says how OBS and other encoders publish into the room; the dialog is loaded when it is first opened. */
import { RadioTower } from 'lucide';
import { menuItem } from '../common/menu.ts';
import { partLoader } from '../common/partLoader.ts';
import type { Toasts } from '../common/Toasts.ts';
import type { CallController } from '../controller/CallController.ts';
import { translate } from '../locales/index.ts';

export interface EncoderItem {
  /** The item of a menu; undefined for those who may not publish. @param opener has the focus after the dialog is closed */
  menuItem(opener: HTMLElement): HTMLElement | undefined;
}

/** @param root the element of the page that the dialog is put into */
export function encoderItem(call: CallController, root: HTMLElement, toasts: Pick<Toasts, 'showError'>): EncoderItem {
  const load = partLoader(toasts);
  const open = async (opener: HTMLElement) => {
    const { encoderDialog } = await import('./encoderDialog.ts');
    const { room, kind } = call.options;
    // Only servers with tokens give any. This one is not shown: whoever had it could take this user's place.
    const asksForToken = call.token !== undefined;
    if (call.phase !== 'ended')
      encoderDialog(root, { room, kind: kind === 'broadcast' ? kind : 'call', asksForToken }, () => opener.focus());
  };
  return {
    menuItem: (opener) =>
      call.canPublish ? menuItem(translate('encoder'), RadioTower, () => load(() => open(opener))) : undefined,
  };
}
