/** Owns the bar of the studio: microphone, camera, screen, more, and the way out. */
import { Ellipsis, LogOut } from 'lucide';
import { control, listenToKeys, showOwn, withDevices } from '../../controls.ts';
import { element } from '../../dom.ts';
import { choices, menu } from '../../Menu.ts';
import { appearanceChoices } from '../../MoreMenu.ts';
import type { Session } from '../../Session.ts';
import type { ScreenHint } from '../../SharedScreen.ts';
import type { Sound } from '../../Sound.ts';
import { say } from '../../words/index.ts';

export interface StudioBarOptions {
  readonly session: Session;
  readonly sound: Sound;
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
  more.show({ label: say('more'), node: Ellipsis });
  leave.show({ label: say('leaveStudio'), node: LogOut });
  screen.button.hidden = !('getDisplayMedia' in (navigator.mediaDevices ?? {}));
  const close = listenToKeys({ m: microphone.button, v: camera.button, s: screen.button });

  const render = () => showOwn({ microphone, camera, screen }, session.own);
  render();
  const root = element(
    'div',
    { className: 'bar', role: 'toolbar', ariaLabel: say('controls') },
    withDevices(microphone, 'microphone', session.media, sound),
    withDevices(camera, 'camera', session.media),
    screen.button,
    more.button,
    menu(more.button, say('more'), () => [hintChoices(session), ...appearanceChoices()]),
    leave.button,
  );
  return { root, render, close };
}

/** How a shared screen is encoded. */
function hintChoices(session: Session): HTMLElement | undefined {
  if (session.screenHint === undefined) return undefined;
  return choices<ScreenHint>(
    say('share'),
    [
      { value: 'auto', label: say('shareAuto') },
      { value: 'detail', label: say('shareSharp') },
      { value: 'motion', label: say('shareSmooth') },
    ],
    session.screenHint,
    (hint) => session.setScreenHint(hint),
  );
}
