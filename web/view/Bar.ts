/** Owns the bar of round buttons at the bottom: what they say, what they do, their shortcuts. */
import {
  ChevronUp,
  Ellipsis,
  Hand,
  type IconNode,
  Mic,
  MicOff,
  MonitorUp,
  MonitorX,
  PhoneOff,
  SmilePlus,
  Users,
  Video,
  VideoOff,
} from 'lucide';
import type { LocalMedia, LocalSource, Reaction } from '../client/index.ts';
import { element, icon } from './dom.ts';
import { choices, closeMenu, menu } from './Menu.ts';
import { remembered } from './memory.ts';
import { reactions } from './reactions.ts';
import type { Session } from './Session.ts';
import type { Sound } from './Sound.ts';
import { say } from './words/index.ts';

export interface BarOptions {
  readonly session: Session;
  readonly sound: Sound;
  readonly moreMenu: (button: HTMLButtonElement) => HTMLElement;
  onPeople(): void;
  peopleOpen(): boolean;
}

interface Control {
  readonly button: HTMLButtonElement;
  show(state: { label: string; node: IconNode; pressed?: boolean; off?: boolean }): void;
}

/** A round button that says its label and shortcut as a tooltip. */
function control(name: string, key: string | undefined, act: () => unknown): Control {
  const button = element('button', { type: 'button', className: 'round', data: { control: name } });
  button.addEventListener('click', () => void act());
  if (key) button.setAttribute('aria-keyshortcuts', key);
  let shown = '';
  return {
    button,
    show({ label, node, pressed, off = false }) {
      button.classList.toggle('off', off);
      if (pressed !== undefined) button.setAttribute('aria-pressed', String(pressed));
      if (shown === label) return;
      shown = label;
      button.ariaLabel = label;
      button.dataset.tip = key ? say('tooltip', { label, key: key === 'Escape' ? 'Esc' : key }) : label;
      button.replaceChildren(icon(node));
    },
  };
}

export function bar({ session, sound, moreMenu, onPeople, peopleOpen }: BarOptions): {
  root: HTMLElement;
  render(): void;
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

  react.show({ label: say('react'), node: SmilePlus });
  more.show({ label: say('more'), node: Ellipsis });
  leave.show({ label: say('leave'), node: PhoneOff });

  const render = () => {
    const { muted, cameraOn, screenOn, hand: raised } = session.self;
    microphone.show({ label: say(muted ? 'unmute' : 'mute'), node: muted ? MicOff : Mic, pressed: !muted, off: muted });
    camera.show({
      label: say(cameraOn ? 'stopCamera' : 'startCamera'),
      node: cameraOn ? Video : VideoOff,
      pressed: cameraOn,
      off: !cameraOn,
    });
    screen.show({
      label: say(screenOn ? 'stopShare' : 'share'),
      node: screenOn ? MonitorX : MonitorUp,
      pressed: screenOn,
    });
    hand.show({ label: say(raised ? 'lowerHand' : 'raiseHand'), node: Hand, pressed: raised });
    people.show({ label: say('people'), node: Users });
    people.button.dataset.count = String(session.others.length + 1);
    people.button.ariaExpanded = String(peopleOpen());
    for (const { button } of [microphone, camera, screen]) button.disabled = !session.mayPublish;
    screen.button.hidden = !('getDisplayMedia' in (navigator.mediaDevices ?? {}));
  };
  render();
  listenToKeys({ m: microphone.button, v: camera.button, s: screen.button });

  const root = element(
    'div',
    { className: 'bar', role: 'toolbar', ariaLabel: say('controls') },
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
  return { root, render };
}

/** A button with the choice of its device one click away. */
function withDevices(main: Control, source: LocalSource, media: LocalMedia, sound?: Sound): HTMLElement {
  const words = say(source === 'camera' ? 'chooseCamera' : 'chooseMicrophone');
  const open = element(
    'button',
    { type: 'button', className: 'chevron', ariaLabel: words, title: words },
    icon(ChevronUp, 16),
  );
  const panel = menu(open, words, () => [
    deviceChoices(
      say(source),
      media.devices(source === 'camera' ? 'videoinput' : 'audioinput'),
      media.chosen(source),
      (id) => {
        remembered[source].set(id);
        void media.choose(source, id);
      },
    ),
    sound !== undefined &&
      media.devices('audiooutput').length > 0 &&
      deviceChoices(say('speaker'), media.devices('audiooutput'), sound.speaker || 'default', (id) => {
        remembered.speaker.set(id);
        void sound.choose(id);
      }),
  ]);
  return element('span', { className: 'split' }, main.button, open, panel);
}

function deviceChoices(
  label: string,
  devices: readonly MediaDeviceInfo[],
  chosen: string | undefined,
  onChoose: (id: string) => void,
): HTMLElement {
  const options = devices.map(({ deviceId, label: name }) => ({
    value: deviceId,
    label: name || say('defaultDevice'),
  }));
  if (options.length === 0) return element('p', { className: 'heading' }, `${label}: ${say('noDevice')}`);
  return choices(label, options, chosen, onChoose);
}

function reactionMenu(button: HTMLButtonElement, onReact: (reaction: Reaction) => void): HTMLElement {
  return menu(button, say('react'), () => {
    const buttons = reactions.map(({ reaction, sign }) => {
      const one = element(
        'button',
        { type: 'button', className: 'round', ariaLabel: say(reaction), title: say(reaction) },
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

/** Single keys work wherever nothing is being typed or chosen. */
function listenToKeys(keys: Readonly<Record<string, HTMLButtonElement>>): void {
  document.addEventListener('keydown', (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.repeat) return;
    const { target } = event;
    if (
      target instanceof HTMLElement &&
      (target.isContentEditable || target.closest('input, textarea, select, [popover]'))
    )
      return;
    const button = keys[event.key.toLowerCase()];
    if (!button?.isConnected || button.disabled) return;
    event.preventDefault();
    button.click();
  });
}
