/** Tells those on the stage that no host is there any more, and lets them end the broadcast. */
import type { Toasts } from '../Toasts.ts';
import { say } from '../words/index.ts';
import type { Show } from './Show.ts';
import { ask } from './studio/Ask.ts';

/** Says it once each time that the last host has gone. @param onStage whether we are on the stage ourselves */
export function tellUnattended(show: Show, toasts: Toasts, onStage: () => boolean): void {
  let told = false;
  show.session.on('changed', () => {
    if (show.session.phase !== 'in') return;
    const unattended = (show.info?.unattended ?? false) && onStage();
    if (unattended && !told) toasts.tell(say('hostsLeft'));
    told = unattended;
  });
}

/** Ends the broadcast, once that has been confirmed. */
export async function endBroadcast(show: Show, root: Element): Promise<void> {
  const answer = await ask(root, {
    title: say('endAsk'),
    text: say('endAskViewers'),
    answers: [{ value: 'end', label: say('endBroadcast'), danger: true }],
  });
  if (answer === 'end' && show.info?.unattended) await show.end();
}
