/** Tells those on the stage that no host is there any more, and lets them end the broadcast. */
import type { Toasts } from '../common/Toasts.ts';
import { translate } from '../locales/index.ts';
import type { BroadcastController } from './BroadcastController.ts';
import { confirmDialog } from './studio/confirmDialog.ts';

/** Says it once each time that the last host has gone. @param onStage whether we are on the stage ourselves */
export function tellUnattended(show: BroadcastController, toasts: Toasts, onStage: () => boolean): void {
  let told = false;
  show.session.on('changed', () => {
    if (show.session.phase !== 'in') return;
    const unattended = (show.info?.unattended ?? false) && onStage();
    if (unattended && !told) toasts.show(translate('hostsLeft'));
    told = unattended;
  });
}

/** Ends the broadcast, once that has been confirmed. */
export async function endBroadcast(show: BroadcastController, root: Element): Promise<void> {
  const answer = await confirmDialog(root, {
    title: translate('endAsk'),
    text: translate('endAskViewers'),
    answers: [{ value: 'end', label: translate('endBroadcast'), danger: true }],
  });
  if (answer === 'end' && show.info?.unattended) await show.end();
}
