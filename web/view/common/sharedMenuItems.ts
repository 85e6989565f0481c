/** Menu items that several pages share: theme, language, and the encoding of a shared screen. */
import type { CallController } from '../controller/CallController.ts';
import type { ScreenHint } from '../controller/ScreenShare.ts';
import { chooseLanguage, type Language, language, languageNames, translate } from '../locales/index.ts';
import { preferences } from '../storage/preferences.ts';
import { radioItems } from './menu.ts';
import { chooseTheme, type Theme, themes } from './theme.ts';

/** The choices of theme and language. */
export function appearanceItems(): HTMLElement[] {
  const theme = themes.find((one) => one === preferences.theme.get()) ?? 'auto';
  const labels = { auto: translate('themeAuto'), light: translate('themeLight'), dark: translate('themeDark') };
  return [
    radioItems<Theme>(
      translate('theme'),
      themes.map((value) => ({ value, label: labels[value] })),
      theme,
      chooseTheme,
    ),
    radioItems<Language>(
      translate('languageLabel'),
      (['en', 'ko'] as const).map((value) => ({ value, label: languageNames[value] })),
      language,
      chooseLanguage,
    ),
  ];
}

/** The choice of what a shared screen is encoded for; undefined while none is shared. */
export function screenHintItems({ sources }: CallController): HTMLElement | undefined {
  if (sources.screenHint === undefined) return undefined;
  return radioItems<ScreenHint>(
    translate('share'),
    [
      { value: 'auto', label: translate('shareAuto') },
      { value: 'detail', label: translate('shareSharp') },
      { value: 'motion', label: translate('shareSmooth') },
    ],
    sources.screenHint,
    (hint) => sources.setScreenHint(hint),
  );
}
