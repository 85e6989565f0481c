/** The items of a menu by which an administrator manages the room: mute everyone, lock, waiting room, end. */
import { MicOff, PhoneOff } from 'lucide';
import { confirmDialog } from '../common/confirmDialog.ts';
import { checkItems, menuItem } from '../common/menu.ts';
import type { Toasts } from '../common/Toasts.ts';
import type { CallController } from '../controller/CallController.ts';
import { translateModeration as translate } from '../locales/moderation.ts';

export interface RoomItemsOptions {
  readonly call: CallController;
  readonly toasts: Pick<Toasts, 'show'>;
  /** What the dialog is shown over. */
  readonly root: Element;
}

/** @returns nothing for whoever is no administrator */
export function roomItems({ call, toasts, root }: RoomItemsOptions): HTMLElement[] {
  if (!call.isAdmin) return [];
  const { moderation } = call.client;
  const attempt = (action: () => Promise<unknown>) => void call.attempt(action);
  return [
    checkItems(translate('room'), [
      {
        label: translate('lock'),
        checked: moderation.locked,
        onToggle: (locked) => attempt(() => moderation.updateRoom({ locked })),
      },
      {
        label: translate('waitingRoom'),
        checked: moderation.waitingRoom,
        onToggle: (waitingRoom) => attempt(() => moderation.updateRoom({ waitingRoom })),
      },
    ]),
    menuItem(translate('muteAll'), MicOff, () =>
      attempt(async () => {
        const count = await moderation.muteAll();
        toasts.show(count > 0 ? translate('mutedAll', { count }) : translate('mutedNobody'));
      }),
    ),
    menuItem(translate('endRoom'), PhoneOff, () =>
      attempt(async () => {
        const answer = await confirmDialog(root, {
          title: translate('endTitle'),
          text: translate('endText'),
          answers: [{ value: 'end', label: translate('endAnswer'), danger: true }],
        });
        if (answer) await moderation.endRoom();
      }),
    ),
  ];
}
