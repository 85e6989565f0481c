/** A dialog that asks for a confirmation of what cannot be undone. */

import { translate } from '../locales/index.ts';
import { element } from './dom.ts';

export interface ConfirmDialogOptions<T extends string> {
  readonly title: string;
  readonly text: string;
  readonly answers: readonly { readonly value: T; readonly label: string; readonly danger?: boolean }[];
}

/**
 * Shows the dialog over `root`, which it is removed with. "Cancel" has the focus.
 * @returns the value of the chosen answer; undefined after "Cancel" or Escape
 */
export function confirmDialog<T extends string>(
  root: Element,
  { title, text, answers }: ConfirmDialogOptions<T>,
): Promise<T | undefined> {
  const heading = element('h2', { id: 'dialog-title' }, title);
  const cancel = element('button', { type: 'button', autofocus: true }, translate('cancel'));
  const dialog = element(
    'dialog',
    { className: 'confirm-dialog', attributes: { 'aria-labelledby': heading.id } },
    heading,
    element('p', { className: 'secondary' }, text),
  );
  return new Promise((resolve) => {
    let answer: T | undefined;
    const buttons = answers.map(({ value, label, danger }) => {
      const button = element('button', { type: 'button', className: danger ? 'danger' : '' }, label);
      button.addEventListener('click', () => {
        answer = value;
        dialog.close();
      });
      return button;
    });
    cancel.addEventListener('click', () => dialog.close());
    dialog.addEventListener('close', () => {
      dialog.remove();
      resolve(answer);
    });
    dialog.append(element('div', { className: 'dialog-actions' }, cancel, ...buttons));
    root.append(dialog);
    dialog.showModal();
  });
}
