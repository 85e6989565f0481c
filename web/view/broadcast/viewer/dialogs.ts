/** The dialogs of a viewer: the name for a raised hand, and an invitation onto the stage. */

import { parseDisplayName } from '../../common/displayName.ts';
import { type Child, element } from '../../common/dom.ts';
import { translate } from '../../locales/index.ts';
import { preferences } from '../../storage/preferences.ts';
import type { StageDevices } from './StageMembership.ts';

let count = 0;

function dialog(title: string, ...children: Child[]): HTMLDialogElement {
  const id = `dialog-${++count}`;
  const heading = element('h2', { id }, title);
  const root = element(
    'dialog',
    { className: 'viewer-dialog', attributes: { 'aria-labelledby': id } },
    heading,
    ...children,
  );
  root.addEventListener('close', () => root.remove());
  return root;
}

function submitButton(label: string): HTMLButtonElement {
  return element('button', { type: 'submit', className: 'primary full-width' }, label);
}

/** Asks for a display name in a dialog over `container`. */
export function askName(container: HTMLElement, onName: (name: string) => void): void {
  const name = element('input', {
    id: 'hand-name',
    name: 'name',
    attributes: { autocomplete: 'nickname' },
    required: true,
  });
  const cancel = element('button', { type: 'button', className: 'full-width' }, translate('cancel'));
  const error = element('p', { className: 'error', role: 'alert', hidden: true });
  const form = element(
    'form',
    { method: 'dialog' },
    element('label', { htmlFor: 'hand-name' }, translate('yourName')),
    name,
    error,
    submitButton(translate('raiseHand')),
    cancel,
  );
  const root = dialog(
    translate('handNameTitle'),
    element('p', { className: 'secondary' }, translate('handNameText')),
    form,
  );
  cancel.addEventListener('click', () => root.close());
  form.addEventListener('submit', (event) => {
    const parsed = parseDisplayName(name.value);
    if ('problem' in parsed) {
      event.preventDefault();
      error.textContent = parsed.problem;
      error.hidden = false;
      name.setAttribute('aria-invalid', 'true');
      name.focus();
      return;
    }
    preferences.name.set(parsed.name);
    onName(parsed.name);
  });
  container.append(root);
  root.showModal();
}

export interface InvitationAnswers {
  onAccept(devices: StageDevices): void;
  onDecline(): void;
}

/** Asks whether to join the stage. @returns a function that closes the dialog without an answer */
export function askToJoinStage(
  container: HTMLElement,
  invitedBy: string,
  { onAccept, onDecline }: InvitationAnswers,
): () => void {
  const device = (source: 'camera' | 'microphone') => {
    const box = element('input', {
      type: 'checkbox',
      role: 'switch',
      name: source,
      checked: true,
      className: 'switch',
    });
    return { box, row: element('label', { className: 'device' }, element('span', {}, translate(source)), box) };
  };
  const [microphone, camera] = [device('microphone'), device('camera')];
  const decline = element('button', { type: 'button', className: 'full-width' }, translate('notNow'));
  const form = element(
    'form',
    { method: 'dialog' },
    element('div', { className: 'devices' }, microphone.row, camera.row),
    submitButton(translate('joinStage')),
    decline,
  );
  const root = dialog(
    translate('invitedTitle', { name: invitedBy }),
    element('p', { className: 'secondary' }, translate('invitedText')),
    form,
  );
  let answered = false;
  const answerOnce = (answer: () => void) => {
    if (answered) return;
    answered = true;
    answer();
  };
  form.addEventListener('submit', () =>
    answerOnce(() => onAccept({ camera: camera.box.checked, microphone: microphone.box.checked })),
  );
  decline.addEventListener('click', () => root.close());
  // Escape declines too.
  root.addEventListener('close', () => answerOnce(onDecline));
  container.append(root);
  root.showModal();
  return () => {
    answered = true;
    root.close();
  };
}
