/** Owns the bar of round buttons at the bottom: what they say, what they do, their shortcuts. */
import { Ellipsis, Hand, PhoneOff, SmilePlus, Users } from 'lucide';
import type { Reaction } from '../../client/index.ts';
import { bindShortcuts, controlButton, updateSourceToggles, withDeviceMenu } from '../common/controls.ts';
import { element } from '../common/dom.ts';
import { closeMenu, menu } from '../common/menu.ts';
import type { RemoteAudio } from '../common/RemoteAudio.ts';
import type { CallController } from '../controller/CallController.ts';
import { translate } from '../locales/index.ts';
import { reactions } from './reactions.ts';

export interface ControlBarOptions {
  readonly call: CallController;
  readonly sound: RemoteAudio;
  readonly moreMenu: (button: HTMLButtonElement) => HTMLElement;
  onPeople(): void;
  peopleOpen(): boolean;
}

export function controlBar({ call, sound, moreMenu, onPeople, peopleOpen }: ControlBarOptions): {
  root: HTMLElement;
  render(): void;
  close(): void;
} {
  const { media } = call;
  const microphone = controlButton('microphone', 'M', () => call.toggleMicrophone());
  const camera = controlButton('camera', 'V', () => call.toggleCamera());
  const screen = controlButton('screen', 'S', () => call.toggleScreen());
  const hand = controlButton('hand', undefined, () => call.toggleHand());
  const react = controlButton('react', undefined, () => {});
  const people = controlButton('participants', undefined, onPeople);
  const more = controlButton('more', undefined, () => {});
  const leave = controlButton('leave', undefined, () => call.leave());
  leave.button.classList.add('danger');

  react.update({ label: translate('react'), icon: SmilePlus });
  more.update({ label: translate('more'), icon: Ellipsis });
  leave.update({ label: translate('leave'), icon: PhoneOff });

  const render = () => {
    const { handRaised: raised } = call.localParticipant;
    updateSourceToggles({ microphone, camera, screen }, call.toggles);
    hand.update({ label: translate(raised ? 'lowerHand' : 'raiseHand'), icon: Hand, pressed: raised });
    people.update({ label: translate('participants'), icon: Users });
    people.button.dataset.count = String(call.remoteParticipants.length + 1);
    people.button.ariaExpanded = String(peopleOpen());
    screen.button.hidden = !('getDisplayMedia' in (navigator.mediaDevices ?? {}));
  };
  render();
  const close = bindShortcuts({ m: microphone.button, v: camera.button, s: screen.button });

  const root = element(
    'div',
    { className: 'control-bar', role: 'toolbar', ariaLabel: translate('controls') },
    withDeviceMenu(microphone, 'microphone', media, sound),
    withDeviceMenu(camera, 'camera', media),
    screen.button,
    hand.button,
    react.button,
    reactionMenu(react.button, (reaction) => call.react(reaction)),
    people.button,
    more.button,
    moreMenu(more.button),
    leave.button,
  );
  return { root, render, close };
}

function reactionMenu(button: HTMLButtonElement, onReact: (reaction: Reaction) => void): HTMLElement {
  return menu(button, translate('react'), () => {
    const buttons = reactions.map(({ reaction, sign }) => {
      const one = element(
        'button',
        { type: 'button', className: 'icon-button', ariaLabel: translate(reaction), title: translate(reaction) },
        sign,
      );
      one.addEventListener('click', () => {
        onReact(reaction);
        closeMenu(one);
      });
      return one;
    });
    return [element('div', { className: 'reactions' }, ...buttons)];
  });
}
