/** Owns the bar of round buttons at the bottom: what they say, what they do, their shortcuts. */
import { Ellipsis, Hand, PhoneOff, SmilePlus, Users } from 'lucide';
import type { Reaction } from '../../client/index.ts';
import { control, listenToKeys, showOwn, withDevices } from '../common/controls.ts';
import { element } from '../common/dom.ts';
import { closeMenu, menu } from '../common/Menu.ts';
import type { RemoteAudio } from '../common/RemoteAudio.ts';
import { translate } from '../locales/index.ts';
import type { CallController } from '../participation/CallController.ts';
import { reactions } from './reactions.ts';

export interface ControlBarOptions {
  readonly session: CallController;
  readonly sound: RemoteAudio;
  readonly moreMenu: (button: HTMLButtonElement) => HTMLElement;
  onPeople(): void;
  peopleOpen(): boolean;
}

export function controlBar({ session, sound, moreMenu, onPeople, peopleOpen }: ControlBarOptions): {
  root: HTMLElement;
  render(): void;
  close(): void;
} {
  const { media } = session;
  const microphone = control('microphone', 'M', () => session.toggleMicrophone());
  const camera = control('camera', 'V', () => session.toggleCamera());
  const screen = control('screen', 'S', () => session.toggleScreen());
  const hand = control('hand', undefined, () => session.toggleHand());
  const react = control('react', undefined, () => {});
  const people = control('people', undefined, onPeople);
  const more = control('more', undefined, () => {});
  const leave = control('leave', undefined, () => session.leave());
  leave.button.classList.add('danger');

  react.show({ label: translate('react'), node: SmilePlus });
  more.show({ label: translate('more'), node: Ellipsis });
  leave.show({ label: translate('leave'), node: PhoneOff });

  const render = () => {
    const { hand: raised } = session.self;
    showOwn({ microphone, camera, screen }, session.own);
    hand.show({ label: translate(raised ? 'lowerHand' : 'raiseHand'), node: Hand, pressed: raised });
    people.show({ label: translate('people'), node: Users });
    people.button.dataset.count = String(session.others.length + 1);
    people.button.ariaExpanded = String(peopleOpen());
    screen.button.hidden = !('getDisplayMedia' in (navigator.mediaDevices ?? {}));
  };
  render();
  const close = listenToKeys({ m: microphone.button, v: camera.button, s: screen.button });

  const root = element(
    'div',
    { className: 'bar', role: 'toolbar', ariaLabel: translate('controls') },
    withDevices(microphone, 'microphone', media, sound),
    withDevices(camera, 'camera', media),
    screen.button,
    hand.button,
    react.button,
    reactionMenu(react.button, (reaction) => session.react(reaction)),
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
        { type: 'button', className: 'round', ariaLabel: translate(reaction), title: translate(reaction) },
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
