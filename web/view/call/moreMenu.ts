/** Owns what is behind "more": layout, full screen, picture in picture, share quality, theme, language. */
import { Maximize, MonitorUp, PictureInPicture2, Users } from 'lucide';
import { menu, menuItem, radioItems } from '../common/menu.ts';
import { chooseTheme, type Theme, themes } from '../common/theme.ts';
import type { CallController } from '../controller/CallController.ts';
import type { ScreenHint } from '../controller/ScreenShare.ts';
import { chooseLanguage, type Language, language, languageNames, translate } from '../locales/index.ts';
import { preferences } from '../storage/preferences.ts';
import type { CallLayout, LayoutMode } from './CallLayout.ts';

export interface MoreMenuOptions {
  readonly call: CallController;
  readonly stage: CallLayout;
  readonly frame: HTMLElement;
  onPeople(): void;
}

export function moreMenu(button: HTMLButtonElement, { call, stage, frame, onPeople }: MoreMenuOptions): HTMLElement {
  return menu(button, translate('more'), () => [
    // What has no room in the bar of a phone is here instead.
    narrow() && menuItem(translate('participants'), Users, onPeople),
    narrow() &&
      call.canPublishSource('screen') &&
      menuItem(
        translate(call.localParticipant.screenOn ? 'stopShare' : 'share'),
        MonitorUp,
        () => void call.toggleScreen(),
      ),
    document.fullscreenEnabled &&
      menuItem(translate(document.fullscreenElement ? 'exitFullScreen' : 'fullScreen'), Maximize, () =>
        toggleFullScreen(frame),
      ),
    document.pictureInPictureEnabled &&
      (document.pictureInPictureElement ?? stage.mainVideo) !== undefined &&
      menuItem(translate('pictureInPicture'), PictureInPicture2, () => togglePictureInPicture(stage)),
    radioItems<LayoutMode>(
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
    call.screenHint !== undefined &&
      radioItems<ScreenHint>(
        translate('share'),
        [
          { value: 'auto', label: translate('shareAuto') },
          { value: 'detail', label: translate('shareSharp') },
          { value: 'motion', label: translate('shareSmooth') },
        ],
        call.screenHint,
        (hint) => call.setScreenHint(hint),
      ),
    ...appearanceChoices(),
  ]);
}

/** Theme and language: in the lobby as in the call. */
export function appearanceChoices(): HTMLElement[] {
  const theme = themes.find((one) => one === preferences.theme.get()) ?? 'auto';
  const words = { auto: translate('themeAuto'), light: translate('themeLight'), dark: translate('themeDark') };
  return [
    radioItems<Theme>(
      translate('theme'),
      themes.map((value) => ({ value, label: words[value] })),
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

const narrow = () => matchMedia('(max-width: 560px)').matches;

function toggleFullScreen(frame: HTMLElement): void {
  const done = document.fullscreenElement ? document.exitFullscreen() : frame.requestFullscreen();
  done.catch(() => {});
}

function togglePictureInPicture(stage: CallLayout): void {
  const done = document.pictureInPictureElement
    ? document.exitPictureInPicture()
    : stage.mainVideo?.requestPictureInPicture();
  done?.catch(() => {});
}
