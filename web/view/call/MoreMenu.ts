/** Owns what is behind "more": layout, full screen, picture in picture, share quality, theme, language. */
import { Maximize, MonitorUp, PictureInPicture2, Users } from 'lucide';
import { action, choices, menu } from '../common/Menu.ts';
import { preferences } from '../common/preferences.ts';
import { applyTheme, type Theme, themes } from '../common/theme.ts';
import { chooseLanguage, type Language, language, languageNames, translate } from '../locales/index.ts';
import type { CallController } from '../participation/CallController.ts';
import type { ScreenHint } from '../participation/ScreenShare.ts';
import type { LayoutMode, Stage } from './Stage.ts';

export interface MoreMenuOptions {
  readonly session: CallController;
  readonly stage: Stage;
  readonly frame: HTMLElement;
  onPeople(): void;
}

export function moreMenu(button: HTMLButtonElement, { session, stage, frame, onPeople }: MoreMenuOptions): HTMLElement {
  return menu(button, translate('more'), () => [
    // What has no room in the bar of a phone is here instead.
    narrow() && action(translate('people'), Users, onPeople),
    narrow() &&
      session.may('screen') &&
      action(translate(session.self.screenOn ? 'stopShare' : 'share'), MonitorUp, () => void session.toggleScreen()),
    document.fullscreenEnabled &&
      action(translate(document.fullscreenElement ? 'exitFullScreen' : 'fullScreen'), Maximize, () =>
        toggleFullScreen(frame),
      ),
    document.pictureInPictureEnabled &&
      (document.pictureInPictureElement ?? stage.mainVideo) !== undefined &&
      action(translate('pictureInPicture'), PictureInPicture2, () => togglePictureInPicture(stage)),
    choices<LayoutMode>(
      translate('layout'),
      [
        { value: 'grid', label: translate('layoutGrid') },
        { value: 'speaker', label: translate('layoutSpeaker') },
      ],
      stage.mode,
      (mode) => {
        preferences.layout.set(mode);
        stage.setMode(mode);
      },
    ),
    session.screenHint !== undefined &&
      choices<ScreenHint>(
        translate('share'),
        [
          { value: 'auto', label: translate('shareAuto') },
          { value: 'detail', label: translate('shareSharp') },
          { value: 'motion', label: translate('shareSmooth') },
        ],
        session.screenHint,
        (hint) => session.setScreenHint(hint),
      ),
    ...appearanceChoices(),
  ]);
}

/** Theme and language: in the lobby as in the call. */
export function appearanceChoices(): HTMLElement[] {
  const theme = themes.find((one) => one === preferences.theme.get()) ?? 'auto';
  const words = { auto: translate('themeAuto'), light: translate('themeLight'), dark: translate('themeDark') };
  return [
    choices<Theme>(
      translate('theme'),
      themes.map((value) => ({ value, label: words[value] })),
      theme,
      applyTheme,
    ),
    choices<Language>(
      translate('languageLabel'),
      (['en', 'ko'] as const).map((value) => ({ value, label: languageNames[value] })),
      language,
      chooseLanguage,
    ),
  ];
}

const narrow = () => matchMedia('(max-width: 560px)').matches;

function toggleFullScreen(frame: HTMLElement): void {
  const done = document.fullscreenElement ? document.exitFullscreen() : frame.requestFullscreen();
  done.catch(() => {});
}

function togglePictureInPicture(stage: Stage): void {
  const done = document.pictureInPictureElement
    ? document.exitPictureInPicture()
    : stage.mainVideo?.requestPictureInPicture();
  done?.catch(() => {});
}
