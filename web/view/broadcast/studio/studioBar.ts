/** The control bar of the studio. */
import { Ellipsis, LogOut } from 'lucide';
import type { ChatToggle } from '../../chat/chatToggle.ts';
import { bindShortcuts, controlButton, updateSourceToggles, withDeviceMenu } from '../../common/controls.ts';
import { element } from '../../common/dom.ts';
import { menu } from '../../common/menu.ts';
import type { RemoteAudio } from '../../common/RemoteAudio.ts';
import { appearanceItems, screenHintItems } from '../../common/sharedMenuItems.ts';
import type { StatsToggle } from '../../common/stats/statsToggle.ts';
import type { Toasts } from '../../common/Toasts.ts';
import type { CallController } from '../../controller/CallController.ts';
import type { EncoderItem } from '../../encoder/encoderItem.ts';
import { translate } from '../../locales/index.ts';
import { administration } from '../../moderation/loadModeration.ts';

export interface StudioBarOptions {
  readonly call: CallController;
  readonly audio: RemoteAudio;
  readonly stats: StatsToggle;
  readonly encoder: EncoderItem;
  readonly chat: ChatToggle;
  readonly toasts: Pick<Toasts, 'show'>;
  /** What dialogs are shown over. */
  readonly overlay: HTMLElement;
  onLeave(): void;
}

export function studioBar({ call, audio, stats, encoder, chat, toasts, overlay, onLeave }: StudioBarOptions): {
  root: HTMLElement;
  render(): void;
  close(): void;
} {
  const microphone = controlButton('microphone', 'M', () => call.sources.toggleMicrophone());
  const camera = controlButton('camera', 'V', () => call.sources.toggleCamera());
  const screen = controlButton('screen', 'S', () => call.sources.toggleScreen());
  const more = controlButton('more', undefined, () => {});
  const leave = controlButton('leave', undefined, onLeave);
  more.update({ label: translate('more'), icon: Ellipsis });
  leave.update({ label: translate('leaveStudio'), icon: LogOut });
  screen.button.hidden = !('getDisplayMedia' in (navigator.mediaDevices ?? {}));
  const close = bindShortcuts({ m: microphone.button, v: camera.button, s: screen.button, c: chat.button });

  const render = () => updateSourceToggles({ microphone, camera, screen }, call.sources.toggles);
  render();
  const root = element(
    'div',
    { className: 'control-bar', role: 'toolbar', ariaLabel: translate('controls') },
    withDeviceMenu(microphone, 'microphone', call.media, audio),
    withDeviceMenu(camera, 'camera', call.media),
    screen.button,
    chat.button,
    more.button,
    menu(more.button, translate('more'), () => [
      stats.menuItem(more.button),
      encoder.menuItem(more.button),
      ...(administration(call)?.roomItems({ call, toasts, root: overlay }) ?? []),
      screenHintItems(call),
      ...appearanceItems(),
    ]),
    leave.button,
  );
  return { root, render, close };
}
