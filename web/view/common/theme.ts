/** Owns light and dark: what the system says, unless this device chose otherwise. */
import { preferences } from '../storage/preferences.ts';

export const themes = ['auto', 'light', 'dark'] as const;
export type Theme = (typeof themes)[number];

export function chooseTheme(theme: Theme): void {
  preferences.theme.set(theme);
  applyTheme();
}

/** Makes the page look as chosen. */
export function applyTheme(): void {
  const chosen = preferences.theme.get();
  if (chosen === 'light' || chosen === 'dark') document.documentElement.dataset.theme = chosen;
  else delete document.documentElement.dataset.theme;
}
