/** Owns the parts that bars are made of: round buttons, the choice of a device beside one, and single keys. */
import { ChevronUp, type IconNode, Mic, MicOff, MonitorUp, MonitorX, Video, VideoOff } from 'lucide';
import type { LocalMedia, LocalSource } from '../../client/index.ts';
import { translate } from '../locales/index.ts';
import type { OwnSources } from '../participation/callEvents.ts';
import { announce, element, icon } from './dom.ts';
import { choices, menu } from './Menu.ts';
import { preferences } from './preferences.ts';
import type { RemoteAudio } from './RemoteAudio.ts';

export interface ControlState {
  readonly label: string;
  readonly node: IconNode;
  readonly pressed?: boolean;
  readonly off?: boolean;
  /** It does nothing, and its label says why: it can still be reached by keyboard, so that everybody hears the reason. */
  readonly barred?: boolean;
}

export interface Control {
  readonly button: HTMLButtonElement;
  show(state: ControlState): void;
}

/** A round button that says its label and shortcut as a tooltip. */
export function control(name: string, key: string | undefined, act: () => unknown): Control {
  const button = element('button', { type: 'button', className: 'round', data: { control: name } });
  button.addEventListener('click', () => {
    if (button.ariaDisabled === 'true') announce(button.ariaLabel ?? '');
    else void act();
  });
  if (key) button.setAttribute('aria-keyshortcuts', key);
  let shown = '';
  return {
    button,
    show({ label, node, pressed, off = false, barred = false }) {
      button.classList.toggle('off', off);
      button.ariaDisabled = barred ? 'true' : null;
      if (pressed !== undefined) button.setAttribute('aria-pressed', String(pressed));
      if (shown === label) return;
      shown = label;
      button.ariaLabel = label;
      button.dataset.tip = key ? translate('tooltip', { label, key: key === 'Escape' ? 'Esc' : key }) : label;
      button.replaceChildren(icon(node));
    },
  };
}

/** Shows on the buttons of microphone, camera and screen what of ours is on, and what we may not use. */
export function showOwn(
  controls: { microphone: Control; camera: Control; screen?: Control },
  { microphone, camera, screen }: OwnSources,
): void {
  controls.microphone.show({
    label: translate(!microphone.allowed ? 'microphoneBarred' : microphone.on ? 'mute' : 'unmute'),
    node: microphone.on ? Mic : MicOff,
    pressed: microphone.on,
    off: !microphone.on,
    barred: !microphone.allowed,
  });
  controls.camera.show({
    label: translate(!camera.allowed ? 'cameraBarred' : camera.on ? 'stopCamera' : 'startCamera'),
    node: camera.on ? Video : VideoOff,
    pressed: camera.on,
    off: !camera.on,
    barred: !camera.allowed,
  });
  controls.screen?.show({
    label: translate(!screen.allowed ? 'screenBarred' : screen.on ? 'stopShare' : 'share'),
    node: screen.on ? MonitorX : MonitorUp,
    pressed: screen.on,
    barred: !screen.allowed,
  });
}

/** A button with the choice of its device one click away. */
export function withDevices(main: Control, source: LocalSource, media: LocalMedia, sound?: RemoteAudio): HTMLElement {
  const words = translate(source === 'camera' ? 'chooseCamera' : 'chooseMicrophone');
  const open = element(
    'button',
    { type: 'button', className: 'chevron', ariaLabel: words, title: words },
    icon(ChevronUp, 16),
  );
  const panel = menu(open, words, () => [
    deviceChoices(
      translate(source),
      media.devices(source === 'camera' ? 'videoinput' : 'audioinput'),
      media.chosen(source),
      (id) => {
        void media.choose(source, id);
      },
    ),
    sound !== undefined &&
      media.devices('audiooutput').length > 0 &&
      deviceChoices(translate('speaker'), media.devices('audiooutput'), sound.speaker || 'default', (id) => {
        void sound.choose(id).then((used) => used && preferences.speaker.set(id));
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
    label: name || translate('defaultDevice'),
  }));
  if (options.length === 0) return element('p', { className: 'heading' }, `${label}: ${translate('noDevice')}`);
  return choices(label, options, chosen, onChoose);
}

/** Single keys work wherever nothing is being typed or chosen. @returns a function that ends it */
export function listenToKeys(keys: Readonly<Record<string, HTMLButtonElement>>): () => void {
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
