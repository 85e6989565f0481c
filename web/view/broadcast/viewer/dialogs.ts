/** Owns what a viewer is asked: for a name to raise a hand with, and whether to come onto the stage. */
import { type Child, element } from '../../common/dom.ts';
import { preferences } from '../../common/preferences.ts';
import { typedName } from '../../lobby/ownName.ts';
import { translate } from '../../locales/index.ts';
import type { StageDevices } from './Stage.ts';

let count = 0;

function dialog(title: string, ...children: Child[]): HTMLDialogElement {
  const id = `dialog-${++count}`;
  const heading = element('h2', { id }, title);
  const root = element('dialog', { className: 'ask', attributes: { 'aria-labelledby': id } }, heading, ...children);
  root.addEventListener('close', () => root.remove());
  return root;
}

function submitting(words: string): HTMLButtonElement {
  return element('button', { type: 'submit', className: 'primary wide' }, words);
}

/** Asks for a name, in `frame`; `onName` hears it once it is given. */
export function askName(frame: HTMLElement, onName: (name: string) => void): void {
  const name = element('input', {
    id: 'hand-name',
    name: 'name',
    attributes: { autocomplete: 'nickname' },
    required: true,
  });
  const cancel = element('button', { type: 'button', className: 'wide' }, translate('cancel'));
  const problem = element('p', { className: 'problem', role: 'alert', hidden: true });
  const form = element(
    'form',
    { method: 'dialog' },
    element('label', { htmlFor: 'hand-name' }, translate('yourName')),
    name,
    problem,
    submitting(translate('raiseHand')),
    cancel,
  );
  const root = dialog(
    translate('handNameTitle'),
    element('p', { className: 'quiet' }, translate('handNameText')),
    form,
  );
  cancel.addEventListener('click', () => root.close());
  form.addEventListener('submit', (event) => {
    const typed = typedName(name.value);
    if ('problem' in typed) {
      event.preventDefault();
      problem.textContent = typed.problem;
      problem.hidden = false;
      name.setAttribute('aria-invalid', 'true');
      name.focus();
      return;
    }
    preferences.name.set(typed.name);
    onName(typed.name);
  });
  frame.append(root);
  root.showModal();
}

export interface InvitationAnswers {
  onAccept(devices: StageDevices): void;
  onDecline(): void;
}

/** Asks whether to come onto the stage. @returns what takes the question back */
export function askOntoStage(frame: HTMLElement, by: string, { onAccept, onDecline }: InvitationAnswers): () => void {
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
  const decline = element('button', { type: 'button', className: 'wide' }, translate('notNow'));
  const form = element(
    'form',
    { method: 'dialog' },
    element('div', { className: 'devices' }, microphone.row, camera.row),
    submitting(translate('joinStage')),
    decline,
  );
  const root = dialog(
    translate('invitedTitle', { name: by }),
    element('p', { className: 'quiet' }, translate('invitedText')),
    form,
  );
  let answered = false;
  const answer = (give: () => void) => {
    if (answered) return;
    answered = true;
    give();
  };
  form.addEventListener('submit', () =>
    answer(() => onAccept({ camera: camera.box.checked, microphone: microphone.box.checked })),
  );
  decline.addEventListener('click', () => root.close());
  // Escape is an answer as well.
  root.addEventListener('close', () => answer(onDecline));
  frame.append(root);
  root.showModal();
  return () => {
    answered = true;
    root.close();
  };
}
