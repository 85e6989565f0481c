/** The parts of control bars: buttons, device menus beside them, and keyboard shortcuts. */
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
  /** The grants do not permit it: a press announces the label. `aria-disabled` keeps it reachable by keyboard. */
  readonly notAllowed?: boolean;
}

export interface ControlButton {
  readonly button: HTMLButtonElement;
  update(state: ControlState): void;
}

/** A button with an icon, and a tooltip with label and shortcut. @param key the shortcut, such as `M` */
export function controlButton(name: string, key: string | undefined, onClick: () => unknown): ControlButton {
  const button = element('button', { type: 'button', className: 'icon-button', data: { control: name } });
  button.addEventListener('click', () => {
    if (button.ariaDisabled === 'true') announce(button.ariaLabel ?? '');
    else void onClick();
  });
  if (key) button.setAttribute('aria-keyshortcuts', key);
  let shownLabel = '';
  return {
    button,
    update({ label, icon: node, pressed, off = false, notAllowed = false }) {
      button.classList.toggle('off', off);
      button.ariaDisabled = notAllowed ? 'true' : null;
      if (pressed !== undefined) button.setAttribute('aria-pressed', String(pressed));
      if (shownLabel === label) return;
      shownLabel = label;
      button.ariaLabel = label;
      button.dataset.tooltip = key ? translate('tooltip', { label, key }) : label;
      button.replaceChildren(icon(node));
    },
  };
}

/** Updates the toggle buttons of microphone, camera and screen. */
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

/** A button with the menu that chooses its device. @param audio where its speaker is chosen here too */
export function withDeviceMenu(
  main: ControlButton,
  source: LocalSource,
  media: LocalMedia,
  audio?: RemoteAudio,
): HTMLElement {
  const label = translate(source === 'camera' ? 'chooseCamera' : 'chooseMicrophone');
  const open = element(
    'button',
    { type: 'button', className: 'chevron', ariaLabel: label, title: label },
    icon(ChevronUp, 16),
  );
  const panel = menu(open, label, () => [
    deviceItems(
      translate(source),
      media.devices(source === 'camera' ? 'videoinput' : 'audioinput'),
      media.chosen(source),
      (id) => {
        void media.choose(source, id);
      },
    ),
    audio !== undefined &&
      media.devices('audiooutput').length > 0 &&
      deviceItems(translate('speaker'), media.devices('audiooutput'), audio.speaker || 'default', (id) => {
        void audio.selectSpeaker(id).then((used) => used && preferences.speaker.set(id));
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

/**
 * Binds single keys to buttons, except while the user types or composes a character, or is in a dialog or a menu.
 * @param keys buttons by lower-case key
 * @returns a function that removes the shortcuts
 */
export function bindShortcuts(keys: Readonly<Record<string, HTMLButtonElement>>): () => void {
  const onKey = (event: KeyboardEvent) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.repeat) return;
    if (event.defaultPrevented || event.isComposing) return;
    const { target } = event;
    if (
      target instanceof HTMLElement &&
      (target.isContentEditable ||
        target.closest('input:not([type=range]), textarea, select, dialog, [popover], [role=textbox]'))
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
