/** The light or dark theme: that of the system, unless the user has chosen one. */
import { preferences } from '../storage/preferences.ts';

export const themes = ['auto', 'light', 'dark'] as const;
export type Theme = (typeof themes)[number];

export function chooseTheme(theme: Theme): void {
  preferences.theme.set(theme);
  applyTheme();
}

/** Applies the stored theme to the page. */
export function applyTheme(): void {
  const chosen = preferences.theme.get();
  if (chosen === 'light' || chosen === 'dark') document.documentElement.dataset.theme = chosen;
  else delete document.documentElement.dataset.theme;
}
