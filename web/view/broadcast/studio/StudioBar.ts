/** Owns the bar of the studio: microphone, camera, screen, more, and the way out. */
import { Ellipsis, LogOut } from 'lucide';
import { appearanceChoices } from '../../call/MoreMenu.ts';
import { control, listenToKeys, showOwn, withDevices } from '../../common/controls.ts';
import { element } from '../../common/dom.ts';
import { choices, menu } from '../../common/Menu.ts';
import type { RemoteAudio } from '../../common/RemoteAudio.ts';
import { translate } from '../../locales/index.ts';
import type { CallController } from '../../participation/CallController.ts';
import type { ScreenHint } from '../../participation/ScreenShare.ts';

export interface StudioBarOptions {
  readonly session: CallController;
  readonly sound: RemoteAudio;
  onLeave(): void;
}

export function studioBar({ session, sound, onLeave }: StudioBarOptions): {
  root: HTMLElement;
  render(): void;
  close(): void;
} {
  const microphone = control('microphone', 'M', () => session.toggleMicrophone());
  const camera = control('camera', 'V', () => session.toggleCamera());
  const screen = control('screen', 'S', () => session.toggleScreen());
  const more = control('more', undefined, () => {});
  const leave = control('leave', undefined, onLeave);
  more.show({ label: translate('more'), node: Ellipsis });
  leave.show({ label: translate('leaveStudio'), node: LogOut });
  screen.button.hidden = !('getDisplayMedia' in (navigator.mediaDevices ?? {}));
  const close = listenToKeys({ m: microphone.button, v: camera.button, s: screen.button });

  const render = () => showOwn({ microphone, camera, screen }, session.own);
  render();
  const root = element(
    'div',
    { className: 'bar', role: 'toolbar', ariaLabel: translate('controls') },
    withDevices(microphone, 'microphone', session.media, sound),
    withDevices(camera, 'camera', session.media),
    screen.button,
    more.button,
    menu(more.button, translate('more'), () => [hintChoices(session), ...appearanceChoices()]),
    leave.button,
  );
  return { root, render, close };
}

/** How a shared screen is encoded. */
function hintChoices(session: CallController): HTMLElement | undefined {
  if (session.screenHint === undefined) return undefined;
  return choices<ScreenHint>(
    translate('share'),
    [
      { value: 'auto', label: translate('shareAuto') },
      { value: 'detail', label: translate('shareSharp') },
      { value: 'motion', label: translate('shareSmooth') },
    ],
    session.screenHint,
    (hint) => session.setScreenHint(hint),
  );
}
