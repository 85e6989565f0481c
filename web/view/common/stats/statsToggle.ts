/** Opens and closes the statistics panel, whose code is loaded when it is first opened. */
import { Activity } from 'lucide';
import type { CallController } from '../../controller/CallController.ts';
import { translate } from '../../locales/index.ts';
import { menuItem } from '../menu.ts';
import { partLoader } from '../partLoader.ts';
import type { Toasts } from '../Toasts.ts';
import type { StatsPanel } from './StatsPanel.ts';

export interface StatsToggle {
  /** The item of a menu that opens or closes the panel. @param opener has the focus after the panel is closed */
  menuItem(opener: HTMLElement): HTMLElement;
  close(): void;
}

/** @param root the element of the page that the panel is put into */
export function statsToggle(call: CallController, root: HTMLElement, toasts: Pick<Toasts, 'showError'>): StatsToggle {
  let panel: StatsPanel | undefined;
  let closed = false;
  const load = partLoader(toasts);
  const open = async (opener: HTMLElement) => {
    const { StatsPanel: Panel } = await import('./StatsPanel.ts');
    if (closed) return;
    panel = new Panel(call, () => {
      panel = undefined;
      opener.focus();
    });
    root.append(panel.root);
    panel.focus();
  };
  return {
    menuItem: (opener) =>
      menuItem(translate(panel ? 'hideStats' : 'showStats'), Activity, () => {
        if (panel) panel.close();
        else load(() => open(opener));
      }),
    close: () => {
      closed = true;
      panel?.close();
    },
  };
}
