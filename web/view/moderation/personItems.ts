/** The items of the menu of a participant, for administrators: mute, stop, change what they may do, remove. */
import { MicOff, MonitorX, ShieldCheck, UserMinus, VideoOff } from 'lucide';
import { confirmDialog } from '../common/confirmDialog.ts';
import type { Child } from '../common/dom.ts';
import { menuItem } from '../common/menu.ts';
import type { CallController } from '../controller/CallController.ts';
import type { Participant } from '../controller/Participant.ts';
import { translateModeration as translate } from '../locales/moderation.ts';
import { grantsDialog } from './grantsDialog.ts';

/** @param one whom they are about @param root what dialogs are shown over */
export function personItems(call: CallController, one: Participant, root: Element): Child[] {
  const { name, peerId } = one;
  const attempt = (action: () => Promise<unknown>) => () => void call.attempt(action);
  const { moderation } = call.client;
  return [
    !one.muted &&
      menuItem(
        translate('mute'),
        MicOff,
        attempt(() => moderation.muteSource(peerId)),
      ),
    one.cameraOn &&
      menuItem(
        translate('stopCamera'),
        VideoOff,
        attempt(() => moderation.stopSource(peerId, 'camera')),
      ),
    one.screenOn &&
      menuItem(
        translate('stopScreen'),
        MonitorX,
        attempt(() => moderation.stopSource(peerId, 'screen')),
      ),
    menuItem(
      translate('rights', { name }),
      ShieldCheck,
      attempt(() => grantsDialog(call, one, root)),
    ),
    menuItem(
      translate('remove'),
      UserMinus,
      attempt(() => remove(call, one, root)),
    ),
  ];
}

async function remove(call: CallController, { id, name }: Participant, root: Element): Promise<void> {
  const answer = await confirmDialog(root, {
    title: translate('removeTitle', { name }),
    text: translate('removeText', { name }),
    answers: [{ value: 'remove', label: translate('removeAnswer'), danger: true }],
  });
  if (answer) await call.kick(id);
}
