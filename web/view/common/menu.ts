/** Owns pop-up menus: a button, a panel above it that closes by itself, and the choices in it. */
import { Check } from 'lucide';
import { type Child, element, icon } from './dom.ts';

let count = 0;

// A menu stands beside its button, which moves when the window changes its size. One listener for all menus: one per menu
// would outlive it.
addEventListener('resize', () => {
  for (const panel of document.querySelectorAll<HTMLElement>('.menu:popover-open')) panel.hidePopover();
});

/** A panel that opens above its button; Escape and a click elsewhere close it (the platform's popover). */
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

/** Closes the menu that an element is in. */
export function closeMenu(inside: Element): void {
  inside.closest<HTMLElement>('[popover]')?.hidePopover();
}

/** Several choices of which one holds. */
export function radioItems<T extends string>(
  label: string,
  options: readonly { value: T; label: string }[],
  chosen: T | undefined,
  onChoose: (value: T) => void,
): HTMLElement {
  const rows = options.map((option) => {
    const checked = option.value === chosen;
    const row = element(
      'button',
      {
        type: 'button',
        role: 'menuitemradio',
        className: 'menu-item',
        attributes: { 'aria-checked': String(checked) },
      },
      element('span', { className: 'menu-check' }, checked && icon(Check, 18)),
      element('span', {}, option.label),
    );
    row.addEventListener('click', () => {
      onChoose(option.value);
      closeMenu(row);
    });
    return row;
  });
  return element(
    'div',
    { role: 'menu', ariaLabel: label },
    element('p', { className: 'menu-heading', ariaHidden: 'true' }, label),
    ...rows,
  );
}

/** One thing to do. */
export function menuItem(
  label: string,
  node: Parameters<typeof icon>[0] | undefined,
  act: () => void,
): HTMLButtonElement {
  const row = element(
    'button',
    { type: 'button', className: 'menu-item' },
    element('span', { className: 'menu-check' }, node && icon(node, 18)),
    element('span', {}, label),
  );
  row.addEventListener('click', () => {
    closeMenu(row);
    act();
  });
  return row;
}

/** Above its button, or below where there is more room, within the window. */
function positionPanel(panel: HTMLElement, button: HTMLElement): void {
  const at = button.getBoundingClientRect();
  const { width } = panel.getBoundingClientRect();
  const left = Math.max(8, Math.min(innerWidth - width - 8, at.left + at.width / 2 - width / 2));
  const above = at.top > innerHeight / 2;
  panel.style.left = `${left}px`;
  panel.style.top = above ? 'auto' : `${at.bottom + 8}px`;
  panel.style.bottom = above ? `${innerHeight - at.top + 8}px` : 'auto';
  panel.style.maxHeight = `${(above ? at.top : innerHeight - at.bottom) - 16}px`;
}

function moveFocus(event: KeyboardEvent, panel: HTMLElement): void {
  const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  if (step === undefined) return;
  const rows = [...panel.querySelectorAll<HTMLElement>('button:not([disabled])')];
  const at = rows.findIndex((row) => row.contains(document.activeElement));
  rows[(at + step + rows.length) % rows.length]?.focus();
  event.preventDefault();
}
