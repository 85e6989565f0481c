/** Owns the bar of the studio: microphone, camera, screen, more, and the way out. */
import { Ellipsis, LogOut } from 'lucide';
import { appearanceChoices } from '../../call/moreMenu.ts';
import { bindShortcuts, controlButton, updateSourceToggles, withDeviceMenu } from '../../common/controls.ts';
import { element } from '../../common/dom.ts';
import { menu, radioItems } from '../../common/menu.ts';
import type { RemoteAudio } from '../../common/RemoteAudio.ts';
import type { CallController } from '../../controller/CallController.ts';
import type { ScreenHint } from '../../controller/ScreenShare.ts';
import { translate } from '../../locales/index.ts';

export interface StudioBarOptions {
  readonly call: CallController;
  readonly sound: RemoteAudio;
  onLeave(): void;
}

export function studioBar({ call, sound, onLeave }: StudioBarOptions): {
  root: HTMLElement;
  render(): void;
  close(): void;
} {
  const microphone = controlButton('microphone', 'M', () => call.toggleMicrophone());
  const camera = controlButton('camera', 'V', () => call.toggleCamera());
  const screen = controlButton('screen', 'S', () => call.toggleScreen());
  const more = controlButton('more', undefined, () => {});
  const leave = controlButton('leave', undefined, onLeave);
  more.update({ label: translate('more'), icon: Ellipsis });
  leave.update({ label: translate('leaveStudio'), icon: LogOut });
  screen.button.hidden = !('getDisplayMedia' in (navigator.mediaDevices ?? {}));
  const close = bindShortcuts({ m: microphone.button, v: camera.button, s: screen.button });

  const render = () => updateSourceToggles({ microphone, camera, screen }, call.toggles);
  render();
  const root = element(
    'div',
    { className: 'control-bar', role: 'toolbar', ariaLabel: translate('controls') },
    withDeviceMenu(microphone, 'microphone', call.media, sound),
    withDeviceMenu(camera, 'camera', call.media),
    screen.button,
    more.button,
    menu(more.button, translate('more'), () => [hintChoices(call), ...appearanceChoices()]),
    leave.button,
  );
  return { root, render, close };
}

/** How a shared screen is encoded. */
function hintChoices(call: CallController): HTMLElement | undefined {
  if (call.screenHint === undefined) return undefined;
  return radioItems<ScreenHint>(
    translate('share'),
    [
      { value: 'auto', label: translate('shareAuto') },
      { value: 'detail', label: translate('shareSharp') },
      { value: 'motion', label: translate('shareSmooth') },
    ],
    call.screenHint,
    (hint) => call.setScreenHint(hint),
  );
}
