/** Owns the parts that bars are made of: round buttons, the choice of a device beside one, and single keys. */
import { ChevronUp, type IconNode, Mic, MicOff, MonitorUp, MonitorX, Video, VideoOff } from 'lucide';
import type { LocalMedia, LocalSource } from '../../client/index.ts';
import type { SourceToggles } from '../controller/callEvents.ts';
import { translate } from '../locales/index.ts';
import { preferences } from '../storage/preferences.ts';
import { announce, element, icon } from './dom.ts';
import { menu, radioItems } from './menu.ts';
import type { RemoteAudio } from './RemoteAudio.ts';

export interface ControlState {
  readonly label: string;
  readonly icon: IconNode;
  readonly pressed?: boolean;
  readonly off?: boolean;
  /** It does nothing, and its label says why: it can still be reached by keyboard, so that everybody hears the reason. */
  readonly notAllowed?: boolean;
}

export interface ControlButton {
  readonly button: HTMLButtonElement;
  update(state: ControlState): void;
}

/** A round button that says its label and shortcut as a tooltip. */
export function controlButton(name: string, key: string | undefined, act: () => unknown): ControlButton {
  const button = element('button', { type: 'button', className: 'icon-button', data: { control: name } });
  button.addEventListener('click', () => {
    if (button.ariaDisabled === 'true') announce(button.ariaLabel ?? '');
    else void act();
  });
  if (key) button.setAttribute('aria-keyshortcuts', key);
  let shown = '';
  return {
    button,
    update({ label, icon: node, pressed, off = false, notAllowed = false }) {
      button.classList.toggle('off', off);
      button.ariaDisabled = notAllowed ? 'true' : null;
      if (pressed !== undefined) button.setAttribute('aria-pressed', String(pressed));
      if (shown === label) return;
      shown = label;
      button.ariaLabel = label;
      button.dataset.tooltip = key ? translate('tooltip', { label, key: key === 'Escape' ? 'Esc' : key }) : label;
      button.replaceChildren(icon(node));
    },
  };
}

/** Shows on the buttons of microphone, camera and screen what of ours is on, and what we may not use. */
export function updateSourceToggles(
  controls: { microphone: ControlButton; camera: ControlButton; screen?: ControlButton },
  { microphone, camera, screen }: SourceToggles,
): void {
  controls.microphone.update({
    label: translate(!microphone.allowed ? 'microphoneNotAllowed' : microphone.on ? 'mute' : 'unmute'),
    icon: microphone.on ? Mic : MicOff,
    pressed: microphone.on,
    off: !microphone.on,
    notAllowed: !microphone.allowed,
  });
  controls.camera.update({
    label: translate(!camera.allowed ? 'cameraNotAllowed' : camera.on ? 'stopCamera' : 'startCamera'),
    icon: camera.on ? Video : VideoOff,
    pressed: camera.on,
    off: !camera.on,
    notAllowed: !camera.allowed,
  });
  controls.screen?.update({
    label: translate(!screen.allowed ? 'screenNotAllowed' : screen.on ? 'stopShare' : 'share'),
    icon: screen.on ? MonitorX : MonitorUp,
    pressed: screen.on,
    notAllowed: !screen.allowed,
  });
}

/** A button with the choice of its device one click away. */
export function withDeviceMenu(
  main: ControlButton,
  source: LocalSource,
  media: LocalMedia,
  sound?: RemoteAudio,
): HTMLElement {
  const words = translate(source === 'camera' ? 'chooseCamera' : 'chooseMicrophone');
  const open = element(
    'button',
    { type: 'button', className: 'chevron', ariaLabel: words, title: words },
    icon(ChevronUp, 16),
  );
  const panel = menu(open, words, () => [
    deviceItems(
      translate(source),
      media.devices(source === 'camera' ? 'videoinput' : 'audioinput'),
      media.chosen(source),
      (id) => {
        void media.choose(source, id);
      },
    ),
    sound !== undefined &&
      media.devices('audiooutput').length > 0 &&
      deviceItems(translate('speaker'), media.devices('audiooutput'), sound.speaker || 'default', (id) => {
        void sound.selectSpeaker(id).then((used) => used && preferences.speaker.set(id));
      }),
  ]);
  return element('span', { className: 'split-button' }, main.button, open, panel);
}

function deviceItems(
  label: string,
  devices: readonly MediaDeviceInfo[],
  chosen: string | undefined,
  onChoose: (id: string) => void,
): HTMLElement {
  const options = devices.map(({ deviceId, label: name }) => ({
    value: deviceId,
    label: name || translate('defaultDevice'),
  }));
  if (options.length === 0) return element('p', { className: 'menu-heading' }, `${label}: ${translate('noDevice')}`);
  return radioItems(label, options, chosen, onChoose);
}

/** Single keys work wherever nothing is being typed or chosen. @returns a function that ends it */
export function bindShortcuts(keys: Readonly<Record<string, HTMLButtonElement>>): () => void {
  const onKey = (event: KeyboardEvent) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.repeat) return;
    const { target } = event;
    if (
      target instanceof HTMLElement &&
      (target.isContentEditable || target.closest('input:not([type=range]), textarea, select, dialog, [popover]'))
    )
      return;
    const button = keys[event.key.toLowerCase()];
    if (!button?.isConnected || button.disabled) return;
    event.preventDefault();
    button.click();
  };
  document.addEventListener('keydown', onKey);
  return () => document.removeEventListener('keydown', onKey);
}
