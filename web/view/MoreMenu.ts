/** Owns what is behind "more": layout, full screen, picture in picture, share quality, theme, language. */
import { Maximize, MonitorUp, PictureInPicture2, Users } from 'lucide';
import { action, choices, menu } from './Menu.ts';
import { remembered } from './memory.ts';
import type { Session } from './Session.ts';
import type { ScreenHint } from './SharedScreen.ts';
import type { LayoutMode, Stage } from './Stage.ts';
import { applyTheme, type Theme, themes } from './theme.ts';
import { chooseLanguage, type Language, language, languageNames, say } from './words/index.ts';

export interface MoreMenuOptions {
  readonly session: Session;
  readonly stage: Stage;
  readonly frame: HTMLElement;
  onPeople(): void;
}

export function moreMenu(button: HTMLButtonElement, { session, stage, frame, onPeople }: MoreMenuOptions): HTMLElement {
  return menu(button, say('more'), () => [
    // What has no room in the bar of a phone is here instead.
    narrow() && action(say('people'), Users, onPeople),
    narrow() &&
      session.may('screen') &&
      action(say(session.self.screenOn ? 'stopShare' : 'share'), MonitorUp, () => void session.toggleScreen()),
    document.fullscreenEnabled &&
      action(say(document.fullscreenElement ? 'exitFullScreen' : 'fullScreen'), Maximize, () =>
        toggleFullScreen(frame),
      ),
    document.pictureInPictureEnabled &&
      (document.pictureInPictureElement ?? stage.mainVideo) !== undefined &&
      action(say('pictureInPicture'), PictureInPicture2, () => togglePictureInPicture(stage)),
    choices<LayoutMode>(
      say('layout'),
      [
        { value: 'grid', label: say('layoutGrid') },
        { value: 'speaker', label: say('layoutSpeaker') },
      ],
      stage.mode,
      (mode) => {
        remembered.layout.set(mode);
        stage.setMode(mode);
      },
    ),
    session.screenHint !== undefined &&
      choices<ScreenHint>(
        say('share'),
        [
          { value: 'auto', label: say('shareAuto') },
          { value: 'detail', label: say('shareSharp') },
          { value: 'motion', label: say('shareSmooth') },
        ],
        session.screenHint,
        (hint) => session.setScreenHint(hint),
      ),
    ...appearanceChoices(),
  ]);
}

/** Theme and language: in the lobby as in the call. */
export function appearanceChoices(): HTMLElement[] {
  const theme = themes.find((one) => one === remembered.theme.get()) ?? 'auto';
  const words = { auto: say('themeAuto'), light: say('themeLight'), dark: say('themeDark') };
  return [
    choices<Theme>(
      say('theme'),
      themes.map((value) => ({ value, label: words[value] })),
      theme,
      applyTheme,
    ),
    choices<Language>(
      say('languageLabel'),
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
