/** A live broadcast whose hosts have all left: speakers are notified, and can end it. */

import { confirmDialog } from '../common/confirmDialog.ts';
import type { Toasts } from '../common/Toasts.ts';
import { translate } from '../locales/index.ts';
import type { BroadcastController } from './BroadcastController.ts';

/** Shows a message each time that the last host has left. @param onStage whether this user is on the stage */
export function notifyUnattended(broadcast: BroadcastController, toasts: Toasts, onStage: () => boolean): void {
  let notified = false;
  broadcast.call.on('changed', () => {
    if (broadcast.call.phase !== 'joined') return;
    const unattended = (broadcast.info?.unattended ?? false) && onStage();
    if (unattended && !notified) toasts.show(translate('hostsLeft'));
    notified = unattended;
  });
}

/** Ends the broadcast after a confirmation. */
export async function confirmEndBroadcast(broadcast: BroadcastController, root: Element): Promise<void> {
  const answer = await confirmDialog(root, {
    title: translate('confirmEnd'),
    text: translate('confirmEndOnStage'),
    answers: [{ value: 'end', label: translate('endBroadcast'), danger: true }],
  });
  if (answer === 'end' && broadcast.info?.unattended) await broadcast.end();
}
