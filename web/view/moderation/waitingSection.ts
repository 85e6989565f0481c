/** The place of the list of those who wait to be let in, for administrators; the list itself is loaded. */
import { element } from '../common/dom.ts';
import type { CallController } from '../controller/CallController.ts';
import { administration, type ModerationParts } from './loadModeration.ts';

export function waitingSection(call: CallController, className?: string): { root: HTMLElement; render(): void } {
  const root = element('div', { className: 'waiting-place' });
  let list: InstanceType<ModerationParts['WaitingList']> | undefined;
  const render = () => {
    const parts = administration(call);
    if (parts && !list) {
      list = new parts.WaitingList(call, className);
      root.append(list.root);
    }
    list?.render();
  };
  return { root, render };
}
