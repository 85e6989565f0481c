/** The control bar of a call: its buttons, their menus and shortcuts. */
import { Ellipsis, Hand, PhoneOff, SmilePlus, Users } from 'lucide';
import type { Reaction } from '../../client/index.ts';
import type { ChatToggle } from '../chat/chatToggle.ts';
import { bindShortcuts, controlButton, updateSourceToggles, withDeviceMenu } from '../common/controls.ts';
import { element } from '../common/dom.ts';
import { closeMenu, menu } from '../common/menu.ts';
import type { RemoteAudio } from '../common/RemoteAudio.ts';
import type { CallController } from '../controller/CallController.ts';
import { translate } from '../locales/index.ts';
import { reactions } from './reactions.ts';

export interface ControlBarOptions {
  readonly call: CallController;
  readonly audio: RemoteAudio;
  readonly chat: ChatToggle;
  readonly moreMenu: (button: HTMLButtonElement) => HTMLElement;
  onParticipants(): void;
  participantsOpen(): boolean;
}

export function controlBar({ call, audio, chat, moreMenu, onParticipants, participantsOpen }: ControlBarOptions): {
  root: HTMLElement;
  render(): void;
  close(): void;
} {
  const { media } = call;
  const microphone = controlButton('microphone', 'M', () => call.sources.toggleMicrophone());
  const camera = controlButton('camera', 'V', () => call.sources.toggleCamera());
  const screen = controlButton('screen', 'S', () => call.sources.toggleScreen());
  const hand = controlButton('hand', undefined, () => call.hand.toggle());
  const react = controlButton('react', undefined, () => {});
  const participants = controlButton('participants', undefined, onParticipants);
  const more = controlButton('more', undefined, () => {});
  const leave = controlButton('leave', undefined, () => call.leave());
  leave.button.classList.add('danger');

  react.update({ label: translate('react'), icon: SmilePlus });
  more.update({ label: translate('more'), icon: Ellipsis });
  leave.update({ label: translate('leave'), icon: PhoneOff });

  const render = () => {
    updateSourceToggles({ microphone, camera, screen }, call.sources.toggles);
    hand.update({
      label: translate(call.hand.raised ? 'lowerHand' : 'raiseHand'),
      icon: Hand,
      pressed: call.hand.raised,
    });
    const waiting = call.isAdmin ? call.client.moderation.waiting.total : 0;
    const label = waiting > 0 ? translate('peopleWaiting', { count: waiting }) : translate('participants');
    participants.update({ label, icon: Users });
    participants.button.classList.toggle('attention', waiting > 0);
    participants.button.dataset.count = String(call.remoteParticipants.length + 1);
    participants.button.ariaExpanded = String(participantsOpen());
    screen.button.hidden = !('getDisplayMedia' in (navigator.mediaDevices ?? {}));
  };
  render();
  const close = bindShortcuts({ m: microphone.button, v: camera.button, s: screen.button, c: chat.button });

  const root = element(
    'div',
    { className: 'control-bar', role: 'toolbar', ariaLabel: translate('controls') },
    withDeviceMenu(microphone, 'microphone', media, audio),
    withDeviceMenu(camera, 'camera', media),
    screen.button,
    hand.button,
    react.button,
    reactionMenu(react.button, (reaction) => call.react(reaction)),
    participants.button,
    chat.button,
    more.button,
    moreMenu(more.button),
    leave.button,
  );
  return { root, render, close };
}

function reactionMenu(button: HTMLButtonElement, onReact: (reaction: Reaction) => void): HTMLElement {
  return menu(button, translate('react'), () => {
    const buttons = reactions.map(({ reaction, emoji }) => {
      const item = element(
        'button',
        { type: 'button', className: 'icon-button', ariaLabel: translate(reaction), title: translate(reaction) },
        emoji,
      );
      item.addEventListener('click', () => {
        onReact(reaction);
        closeMenu(item);
      });
      return item;
    });
    return [element('div', { className: 'reactions' }, ...buttons)];
  });
}
