/** The banner while an administrator has to let us in, and the button that gives up. */
import type { CallController } from '../controller/CallController.ts';
import { translate } from '../locales/index.ts';
import { element, setText } from './dom.ts';

export function waitingBanner(call: CallController): HTMLElement {
  const text = element('span', { role: 'status' });
  const cancel = element('button', { type: 'button' }, translate('stopWaiting'));
  cancel.addEventListener('click', () => call.cancelWaiting());
  const root = element('div', { className: 'status server-busy', hidden: true }, text, cancel);
  call.on('waiting', (waiting) => {
    root.hidden = waiting === undefined;
    setText(text, waiting ? waitingText(waiting) : '');
  });
  return root;
}

/** That we wait, and whether somebody is there who could let us in. */
export function waitingText({ attended }: { readonly attended: boolean }): string {
  return `${translate('waiting')} ${translate(attended ? 'waitingAttended' : 'waitingUnattended')}`;
}
