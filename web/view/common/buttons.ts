/** Buttons that several pages share. */
import { type IconNode, Settings } from 'lucide';
import { translate } from '../locales/index.ts';
import { element, icon } from './dom.ts';
import { menu } from './menu.ts';
import { appearanceItems } from './sharedMenuItems.ts';

/** A small round button with an icon; its label is read by screen readers and shown as a tooltip. */
export function smallIconButton(label: string, node: IconNode, { size = 18, className = '' } = {}): HTMLButtonElement {
  return element(
    'button',
    { type: 'button', className: `icon-button small ${className}`, ariaLabel: label, title: label },
    icon(node, size),
  );
}

/** The button in the corner of a card that opens the menu of theme and language, and that menu. */
export function settingsButton(): [button: HTMLElement, panel: HTMLElement] {
  const label = translate('more');
  const button = smallIconButton(label, Settings, { className: 'settings-button' });
  return [button, menu(button, label, appearanceItems)];
}
