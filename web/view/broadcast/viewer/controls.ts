/** Owns the bar below the player: sound, quality, hand, picture-in-picture, full screen, and what the stage adds to it. */
import {
  DoorOpen,
  Hand,
  LogOut,
  Maximize,
  Minimize,
  PictureInPicture2,
  Settings2,
  Square,
  Volume2,
  VolumeX,
} from 'lucide';
import { appearanceChoices } from '../../call/MoreMenu.ts';
import { control, listenToKeys, showOwn, withDevices } from '../../common/controls.ts';
import { element } from '../../common/dom.ts';
import { choices, menu } from '../../common/Menu.ts';
import { translate } from '../../locales/index.ts';
import type { CallController } from '../../participation/CallController.ts';
import type { Player } from './Player.ts';
import { type Quality, qualities } from './quality.ts';
import type { ViewerStage } from './Stage.ts';
import type { ViewerSound } from './sound.ts';

export interface ViewerControlsOptions {
  readonly session: CallController;
  readonly sound: ViewerSound;
  readonly player: Player;
  readonly onStage: ViewerStage;
  /** What fills the screen. */
  readonly frame: HTMLElement;
  onHand(): void;
  /** Whether we may end the broadcast: on the stage, with no host there. */
  mayEnd(): boolean;
  onEnd(): Promise<void>;
}

const qualityWords = { auto: 'qualityAuto', high: 'qualityHigh', medium: 'qualityMedium', low: 'qualityLow' } as const;

export function viewerControls({
  session,
  sound,
  player,
  onStage,
  frame,
  onHand,
  mayEnd,
  onEnd,
}: ViewerControlsOptions): {
  root: HTMLElement;
  render(): void;
  close(): void;
} {
  const hearing = control('sound', undefined, () => sound.toggle());
  const volume = volumeSlider(sound);
  const quality = control('quality', undefined, () => {});
  const hand = control('hand', undefined, onHand);
  const microphone = control('microphone', 'M', () => session.toggleMicrophone());
  const camera = control('camera', 'V', () => session.toggleCamera());
  const stepDown = control('step-down', undefined, () => onStage.leave());
  const end = control('end', undefined, onEnd);
  const picture = control('picture', 'P', () => togglePicture(player));
  const full = control('full', 'F', () => toggleFullScreen(frame));
  const leave = control('leave', undefined, () => session.leave());
  leave.button.classList.add('danger');
  quality.show({ label: translate('settings'), node: Settings2 });
  picture.show({ label: translate('pictureInPicture'), node: PictureInPicture2 });
  stepDown.show({ label: translate('leaveStage'), node: DoorOpen });
  end.show({ label: translate('endBroadcast'), node: Square });
  end.button.classList.add('danger');
  leave.show({ label: translate('leaveBroadcast'), node: LogOut });

  const devices = element(
    'span',
    { className: 'own-devices' },
    withDevices(microphone, 'microphone', session.media, sound.sound),
    withDevices(camera, 'camera', session.media),
    stepDown.button,
    end.button,
  );
  const volumeControl = element('span', { className: 'split volume' }, hearing.button, volume);
  const render = () => {
    const { on } = onStage;
    const { hand: raised } = session.self;
    const label = translate(sound.muted ? 'soundOn' : 'soundOff');
    hearing.show({ label, node: sound.muted ? VolumeX : Volume2, pressed: !sound.muted });
    // On the stage the key is the microphone's, as in a call.
    hearing.button.dataset.tip = on ? label : translate('tooltip', { label, key: 'M' });
    if (on) hearing.button.removeAttribute('aria-keyshortcuts');
    else hearing.button.setAttribute('aria-keyshortcuts', 'M');
    volume.value = String(sound.muted ? 0 : sound.volume);
    hand.button.hidden = on || player.scene === 'ended';
    hand.button.disabled = session.phase !== 'in';
    hand.show({ label: translate(raised ? 'lowerHand' : 'raiseHand'), node: Hand, pressed: raised });
    devices.hidden = !on;
    end.button.hidden = !mayEnd();
    showOwn({ microphone, camera }, session.own);
    picture.button.hidden = !document.pictureInPictureEnabled || player.scene !== 'live';
    // There is nothing more to see or to hear.
    const over = player.scene === 'ended' && !on;
    volumeControl.hidden = over;
    full.button.hidden = !document.fullscreenEnabled || over;
    const isFull = document.fullscreenElement !== null;
    full.show({ label: translate(isFull ? 'exitFullScreen' : 'fullScreen'), node: isFull ? Minimize : Maximize });
  };
  document.addEventListener('fullscreenchange', render);
  const keys = listenToKeys({
    get m() {
      return onStage.on ? microphone.button : hearing.button;
    },
    v: camera.button,
    p: picture.button,
    f: full.button,
  });
  const settings = menu(quality.button, translate('settings'), () => [
    choices<Quality>(
      translate('quality'),
      qualities.map((value) => ({ value, label: translate(qualityWords[value]) })),
      player.quality,
      (value) => player.setQuality(value),
    ),
    ...appearanceChoices(),
  ]);
  const root = element(
    'div',
    { className: 'bar', role: 'toolbar', ariaLabel: translate('controls') },
    volumeControl,
    devices,
    hand.button,
    quality.button,
    settings,
    picture.button,
    full.button,
    leave.button,
  );
  render();
  const close = () => {
    document.removeEventListener('fullscreenchange', render);
    keys();
  };
  return { root, render, close };
}

function volumeSlider(sound: ViewerSound): HTMLInputElement {
  const slider = element('input', { type: 'range', min: '0', max: '1', step: '0.05', ariaLabel: translate('volume') });
  slider.addEventListener('input', () => sound.setVolume(slider.valueAsNumber));
  return slider;
}

function toggleFullScreen(frame: HTMLElement): void {
  const done = document.fullscreenElement ? document.exitFullscreen() : frame.requestFullscreen();
  done.catch(() => {});
}

function togglePicture(player: Player): void {
  const done = document.pictureInPictureElement
    ? document.exitPictureInPicture()
    : player.video?.requestPictureInPicture();
  done?.catch(() => {});
}
