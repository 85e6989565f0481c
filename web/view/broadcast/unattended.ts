/** Tells those on the stage that no host is there any more, and lets them end the broadcast. */
import type { Toasts } from '../common/Toasts.ts';
import { translate } from '../locales/index.ts';
import type { BroadcastController } from './BroadcastController.ts';
import { confirmDialog } from './confirmDialog.ts';

/** Says it once each time that the last host has gone. @param onStage whether we are on the stage ourselves */
export function notifyUnattended(broadcast: BroadcastController, toasts: Toasts, onStage: () => boolean): void {
  let told = false;
  broadcast.call.on('changed', () => {
    if (broadcast.call.phase !== 'joined') return;
    const unattended = (broadcast.info?.unattended ?? false) && onStage();
    if (unattended && !told) toasts.show(translate('hostsLeft'));
    told = unattended;
  });
}

/** Ends the broadcast, once that has been confirmed. */
export async function confirmEndBroadcast(broadcast: BroadcastController, root: Element): Promise<void> {
  const answer = await confirmDialog(root, {
    title: translate('confirmEnd'),
    text: translate('confirmEndForViewers'),
    answers: [{ value: 'end', label: translate('endBroadcast'), danger: true }],
  });
  if (answer === 'end' && broadcast.info?.unattended) await broadcast.end();
}
