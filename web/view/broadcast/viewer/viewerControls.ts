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
import { appearanceChoices } from '../../call/moreMenu.ts';
import { bindShortcuts, controlButton, updateSourceToggles, withDeviceMenu } from '../../common/controls.ts';
import { element } from '../../common/dom.ts';
import { menu, radioItems } from '../../common/menu.ts';
import type { CallController } from '../../controller/CallController.ts';
import { translate } from '../../locales/index.ts';
import type { Player } from './Player.ts';
import { type Quality, qualities } from './quality.ts';
import type { StageMembership } from './StageMembership.ts';
import type { ViewerAudio } from './ViewerAudio.ts';

export interface ViewerControlsOptions {
  readonly call: CallController;
  readonly sound: ViewerAudio;
  readonly player: Player;
  readonly membership: StageMembership;
  /** What fills the screen. */
  readonly frame: HTMLElement;
  onHand(): void;
  /** Whether we may end the broadcast: on the stage, with no host there. */
  mayEnd(): boolean;
  onEnd(): Promise<void>;
}

const qualityWords = { auto: 'qualityAuto', high: 'qualityHigh', medium: 'qualityMedium', low: 'qualityLow' } as const;

export function viewerControls({
  call,
  sound,
  player,
  membership,
  frame,
  onHand,
  mayEnd,
  onEnd,
}: ViewerControlsOptions): {
  root: HTMLElement;
  render(): void;
  close(): void;
} {
  const hearing = controlButton('sound', undefined, () => sound.toggle());
  const volume = volumeSlider(sound);
  const quality = controlButton('quality', undefined, () => {});
  const hand = controlButton('hand', undefined, onHand);
  const microphone = controlButton('microphone', 'M', () => call.toggleMicrophone());
  const camera = controlButton('camera', 'V', () => call.toggleCamera());
  const stepDown = controlButton('step-down', undefined, () => membership.leave());
  const end = controlButton('end', undefined, onEnd);
  const picture = controlButton('picture-in-picture', 'P', () => togglePictureInPicture(player));
  const full = controlButton('fullscreen', 'F', () => toggleFullScreen(frame));
  const leave = controlButton('leave', undefined, () => call.leave());
  leave.button.classList.add('danger');
  quality.update({ label: translate('settings'), icon: Settings2 });
  picture.update({ label: translate('pictureInPicture'), icon: PictureInPicture2 });
  stepDown.update({ label: translate('leaveStage'), icon: DoorOpen });
  end.update({ label: translate('endBroadcast'), icon: Square });
  end.button.classList.add('danger');
  leave.update({ label: translate('leaveBroadcast'), icon: LogOut });

  const devices = element(
    'span',
    { className: 'stage-controls' },
    withDeviceMenu(microphone, 'microphone', call.media, sound.audio),
    withDeviceMenu(camera, 'camera', call.media),
    stepDown.button,
    end.button,
  );
  const volumeControl = element('span', { className: 'split-button volume' }, hearing.button, volume);
  const render = () => {
    const { onStage } = membership;
    const { handRaised: raised } = call.localParticipant;
    const label = translate(sound.muted ? 'unmuteSound' : 'muteSound');
    hearing.update({ label, icon: sound.muted ? VolumeX : Volume2, pressed: !sound.muted });
    // On the stage the key is the microphone's, as in a call.
    hearing.button.dataset.tooltip = onStage ? label : translate('tooltip', { label, key: 'M' });
    if (onStage) hearing.button.removeAttribute('aria-keyshortcuts');
    else hearing.button.setAttribute('aria-keyshortcuts', 'M');
    volume.value = String(sound.muted ? 0 : sound.volume);
    hand.button.hidden = onStage || player.state === 'ended';
    hand.button.disabled = call.phase !== 'joined';
    hand.update({ label: translate(raised ? 'lowerHand' : 'raiseHand'), icon: Hand, pressed: raised });
    devices.hidden = !onStage;
    end.button.hidden = !mayEnd();
    updateSourceToggles({ microphone, camera }, call.toggles);
    picture.button.hidden = !document.pictureInPictureEnabled || player.state !== 'live';
    // There is nothing more to see or to hear.
    const over = player.state === 'ended' && !onStage;
    volumeControl.hidden = over;
    full.button.hidden = !document.fullscreenEnabled || over;
    const isFull = document.fullscreenElement !== null;
    full.update({ label: translate(isFull ? 'exitFullScreen' : 'fullScreen'), icon: isFull ? Minimize : Maximize });
  };
  document.addEventListener('fullscreenchange', render);
  const keys = bindShortcuts({
    get m() {
      return membership.onStage ? microphone.button : hearing.button;
    },
    v: camera.button,
    p: picture.button,
    f: full.button,
  });
  const settings = menu(quality.button, translate('settings'), () => [
    radioItems<Quality>(
      translate('quality'),
      qualities.map((value) => ({ value, label: translate(qualityWords[value]) })),
      player.quality,
      (value) => player.setQuality(value),
    ),
    ...appearanceChoices(),
  ]);
  const root = element(
    'div',
    { className: 'control-bar', role: 'toolbar', ariaLabel: translate('controls') },
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

function volumeSlider(sound: ViewerAudio): HTMLInputElement {
  const slider = element('input', { type: 'range', min: '0', max: '1', step: '0.05', ariaLabel: translate('volume') });
  slider.addEventListener('input', () => sound.setVolume(slider.valueAsNumber));
  return slider;
}

function toggleFullScreen(frame: HTMLElement): void {
  const done = document.fullscreenElement ? document.exitFullscreen() : frame.requestFullscreen();
  done.catch(() => {});
}

function togglePictureInPicture(player: Player): void {
  const done = document.pictureInPictureElement
    ? document.exitPictureInPicture()
    : player.video?.requestPictureInPicture();
  done?.catch(() => {});
}
