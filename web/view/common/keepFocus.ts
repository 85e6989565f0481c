/** Keeps the focus of the keyboard where elements that have it are moved or removed. */

const FOCUSABLE = 'button, a[href], input, select, textarea, summary, [tabindex="0"]';

/**
 * Changes elements within `root`. If the one with the focus was moved, which loses the focus, it has it again afterwards. If it
 * is gone, the focus moves to the next element that is still there, or the one before, or the first new one in `root`.
 * @param fallback moves the focus where nothing in `root` can have it
 */
export function keepFocus(root: Element, change: () => void, fallback?: () => void): void {
  const focused = document.activeElement;
  if (!focused || !(focused instanceof HTMLElement) || !root.contains(focused)) {
    change();
    return;
  }
  const before = focusableIn(root);
  const index = before.indexOf(focused);
  change();
  // It has not lost the focus, or the change itself has moved it.
  if (root.contains(document.activeElement)) return;
  const remaining = [focused, ...before.slice(index + 1), ...before.slice(0, Math.max(0, index)).reverse()];
  for (const candidate of [...remaining, ...focusableIn(root)]) {
    if (!root.contains(candidate) || !candidate.checkVisibility({ visibilityProperty: true })) continue;
    candidate.focus({ preventScroll: true });
    if (document.activeElement === candidate) return;
  }
  fallback?.();
}

function focusableIn(root: Element): HTMLElement[] {
  return [...root.querySelectorAll<HTMLElement>(FOCUSABLE)];
}
