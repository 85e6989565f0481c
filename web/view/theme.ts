/** Owns light and dark: what the system says, unless this device chose otherwise. */
import { remembered } from './memory.ts';

export const themes = ['auto', 'light', 'dark'] as const;
export type Theme = (typeof themes)[number];

export function applyTheme(theme: Theme): void {
  remembered.theme.set(theme);
  showTheme();
}

/** Makes the page look as chosen. */
export function showTheme(): void {
  const chosen = remembered.theme.get();
  if (chosen === 'light' || chosen === 'dark') document.documentElement.dataset.theme = chosen;
  else delete document.documentElement.dataset.theme;
}
