/** The menu of a participant, for administrators. */
import { menu } from '../common/menu.ts';
import type { CallController } from '../controller/CallController.ts';
import type { Participant } from '../controller/Participant.ts';
import { translate } from '../locales/index.ts';
import { loadedModeration } from './loadModeration.ts';

export interface PersonMenuOptions {
  readonly call: CallController;
  readonly button: HTMLButtonElement;
  /** What the dialogs are shown over. */
  readonly root: Element;
  /** Whom it is about now; undefined once they have left. */
  participant(): Participant | undefined;
}

/** Creates the panel that the button opens; the button is to be shown once there is an `administration`. */
export function personMenu({ call, button, root, participant }: PersonMenuOptions): HTMLElement {
  return menu(button, translate('handMore', { name: participant()?.name ?? '' }), () => {
    const one = participant();
    return one ? (loadedModeration()?.personItems(call, one, root) ?? []) : [];
  });
}
