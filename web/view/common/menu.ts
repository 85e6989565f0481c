/** Menus: a panel beside its button, and the items in it. */
import { Check } from 'lucide';
import { type Child, element, icon } from './dom.ts';

let count = 0;

// A resize moves the buttons away from open menus: close these. One listener for all, since one per menu would leak.
addEventListener('resize', () => {
  for (const panel of document.querySelectorAll<HTMLElement>('.menu:popover-open')) panel.hidePopover();
});

/**
 * Creates the panel that a button opens; Escape and a click elsewhere close it (HTML popover).
 * @param fill creates the content, anew for each opening
 */
export function menu(button: HTMLButtonElement, label: string, fill: () => Child[]): HTMLElement {
  const id = `menu-${++count}`;
  const panel = element('div', { id, className: 'menu', role: 'group', ariaLabel: label, popover: 'auto' });
  button.popoverTargetElement = panel;
  button.setAttribute('aria-haspopup', 'true');
  button.setAttribute('aria-controls', id);
  button.ariaExpanded = 'false';
  const refill = () => panel.replaceChildren(...fill().filter((child): child is Node | string => Boolean(child)));
  panel.addEventListener('beforetoggle', (event) => {
    const opens = event instanceof ToggleEvent && event.newState === 'open';
    if (opens) refill();
    button.ariaExpanded = String(opens);
  });
  panel.addEventListener('toggle', (event) => {
    if (event instanceof ToggleEvent && event.newState === 'open') {
      positionPanel(panel, button);
      panel.querySelector<HTMLElement>('[aria-checked="true"], button, select')?.focus();
    }
  });
  panel.addEventListener('keydown', (event) => moveFocus(event, panel));
  return panel;
}

/** Closes the menu that contains an element. */
export function closeMenu(item: Element): void {
  item.closest<HTMLElement>('[popover]')?.hidePopover();
}

/** A group of items of which one is checked. */
export function radioItems<T extends string>(
  label: string,
  options: readonly { value: T; label: string }[],
  checkedValue: T | undefined,
  onChoose: (value: T) => void,
): HTMLElement {
  const rows = options.map((option) => {
    const checked = option.value === checkedValue;
    return checkableRow('menuitemradio', option.label, checked, () => onChoose(option.value));
  });
  return groupOf(label, rows);
}

/** A group of items that are switched on and off. */
export function checkItems(
  label: string,
  options: readonly { label: string; checked: boolean; onToggle(checked: boolean): void }[],
): HTMLElement {
  const rows = options.map(({ label: text, checked, onToggle }) => {
    return checkableRow('menuitemcheckbox', text, checked, () => onToggle(!checked));
  });
  return groupOf(label, rows);
}

/** An item that runs an action. */
export function menuItem(
  label: string,
  node: Parameters<typeof icon>[0] | undefined,
  onClick: () => void,
): HTMLButtonElement {
  const row = element(
    'button',
    { type: 'button', className: 'menu-item' },
    element('span', { className: 'menu-check' }, node && icon(node, 18)),
    element('span', {}, label),
  );
  row.addEventListener('click', () => {
    closeMenu(row);
    onClick();
  });
  return row;
}

/** Puts the panel above or below its button, where there is more room, and within the window. */
function positionPanel(panel: HTMLElement, button: HTMLElement): void {
  const box = button.getBoundingClientRect();
  const { width } = panel.getBoundingClientRect();
  const left = Math.max(8, Math.min(innerWidth - width - 8, box.left + box.width / 2 - width / 2));
  const above = box.top > innerHeight / 2;
  panel.style.left = `${left}px`;
  panel.style.top = above ? 'auto' : `${box.bottom + 8}px`;
  panel.style.bottom = above ? `${innerHeight - box.top + 8}px` : 'auto';
  panel.style.maxHeight = `${(above ? box.top : innerHeight - box.bottom) - 16}px`;
}

function moveFocus(event: KeyboardEvent, panel: HTMLElement): void {
  const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  if (step === undefined) return;
  const rows = [...panel.querySelectorAll<HTMLElement>('button:not([disabled])')];
  const current = rows.findIndex((row) => row.contains(document.activeElement));
  rows[(current + step + rows.length) % rows.length]?.focus();
  event.preventDefault();
}

/** An item that is checked or not. A click closes the menu after `onClick`. */
function checkableRow(
  role: 'menuitemradio' | 'menuitemcheckbox',
  label: string,
  checked: boolean,
  onClick: () => void,
): HTMLElement {
  const row = element(
    'button',
    { type: 'button', role, className: 'menu-item', attributes: { 'aria-checked': String(checked) } },
    element('span', { className: 'menu-check' }, checked && icon(Check, 18)),
    element('span', {}, label),
  );
  row.addEventListener('click', () => {
    onClick();
    closeMenu(row);
  });
  return row;
}

/** Items under a heading. */
function groupOf(label: string, rows: readonly HTMLElement[]): HTMLElement {
  return element(
    'div',
    { role: 'menu', ariaLabel: label },
    element('p', { className: 'menu-heading', ariaHidden: 'true' }, label),
    ...rows,
  );
}
