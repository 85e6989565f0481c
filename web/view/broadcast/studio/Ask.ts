/** Owns questions that the studio asks before something that cannot be taken back. */
import { element } from '../../dom.ts';
import { say } from '../../words/index.ts';

export interface Question<T extends string> {
  readonly title: string;
  readonly text: string;
  readonly answers: readonly { readonly value: T; readonly label: string; readonly danger?: boolean }[];
}

/**
 * Asks in a dialog over `root`, and goes away with it. Escape, or "Cancel" which has the focus, is no answer.
 * @returns what was chosen, or undefined
 */
export function ask<T extends string>(root: Element, { title, text, answers }: Question<T>): Promise<T | undefined> {
  const heading = element('h2', { id: 'question' }, title);
  const cancel = element('button', { type: 'button', autofocus: true }, say('cancel'));
  const dialog = element(
    'dialog',
    { className: 'studio-question', attributes: { 'aria-labelledby': heading.id } },
    heading,
    element('p', { className: 'quiet' }, text),
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
    dialog.append(element('div', { className: 'answers' }, cancel, ...buttons));
    root.append(dialog);
    dialog.showModal();
  });
}
