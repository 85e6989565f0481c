/** Owns light and dark: what the system says, unless this device chose otherwise. */
import { preferences } from './preferences.ts';

export const themes = ['auto', 'light', 'dark'] as const;
export type Theme = (typeof themes)[number];

export function applyTheme(theme: Theme): void {
  preferences.theme.set(theme);
  showTheme();
}

/** Makes the page look as chosen. */
export function showTheme(): void {
  const chosen = preferences.theme.get();
  if (chosen === 'light' || chosen === 'dark') document.documentElement.dataset.theme = chosen;
  else delete document.documentElement.dataset.theme;
}
