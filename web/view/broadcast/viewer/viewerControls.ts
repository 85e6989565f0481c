/** The controls below the player; on the stage also those of the local devices. */
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
import type { ChatToggle } from '../../chat/chatToggle.ts';
import { bindShortcuts, controlButton, updateSourceToggles, withDeviceMenu } from '../../common/controls.ts';
import { toggleFullScreen, togglePictureInPicture } from '../../common/displayModes.ts';
import { element } from '../../common/dom.ts';
import { menu, radioItems } from '../../common/menu.ts';
import { appearanceItems } from '../../common/sharedMenuItems.ts';
import type { StatsToggle } from '../../common/stats/statsToggle.ts';
import type { CallController } from '../../controller/CallController.ts';
import { translate } from '../../locales/index.ts';
import type { Player } from './Player.ts';
import { type Quality, qualities } from './quality.ts';
import type { StageMembership } from './StageMembership.ts';
import type { ViewerAudio } from './ViewerAudio.ts';

export interface ViewerControlsOptions {
  readonly call: CallController;
  readonly audio: ViewerAudio;
  readonly player: Player;
  readonly membership: StageMembership;
  readonly stats: StatsToggle;
  readonly chat: ChatToggle;
  /** The element that full screen shows. */
  readonly root: HTMLElement;
  onHand(): void;
  /** Whether this user can end the broadcast: on the stage, while no host is there. */
  canEnd(): boolean;
  onEnd(): Promise<void>;
}

const qualityLabels = { auto: 'qualityAuto', high: 'qualityHigh', medium: 'qualityMedium', low: 'qualityLow' } as const;

export function viewerControls(options: ViewerControlsOptions): {
  root: HTMLElement;
  render(): void;
  close(): void;
} {
  const { call, audio, player, membership, onHand, canEnd, onEnd } = options;
  const soundToggle = controlButton('sound', undefined, () => audio.toggle());
  const volume = volumeSlider(audio);
  const quality = controlButton('quality', undefined, () => {});
  const hand = controlButton('hand', undefined, onHand);
  const microphone = controlButton('microphone', 'M', () => call.sources.toggleMicrophone());
  const camera = controlButton('camera', 'V', () => call.sources.toggleCamera());
  const stepDown = controlButton('step-down', undefined, () => membership.leave());
  const end = controlButton('end', undefined, onEnd);
  const pictureInPicture = controlButton('picture-in-picture', 'P', () => togglePictureInPicture(player.video));
  const full = controlButton('fullscreen', 'F', () => toggleFullScreen(options.root));
  const leave = controlButton('leave', undefined, () => call.leave());
  leave.button.classList.add('danger');
  quality.update({ label: translate('settings'), icon: Settings2 });
  pictureInPicture.update({ label: translate('pictureInPicture'), icon: PictureInPicture2 });
  stepDown.update({ label: translate('leaveStage'), icon: DoorOpen });
  end.update({ label: translate('endBroadcast'), icon: Square });
  end.button.classList.add('danger');
  leave.update({ label: translate('leave'), icon: LogOut });

  const devices = element(
    'span',
    { className: 'stage-controls' },
    withDeviceMenu(microphone, 'microphone', call.media, audio.output),
    withDeviceMenu(camera, 'camera', call.media),
    stepDown.button,
    end.button,
  );
  const volumeControl = element('span', { className: 'split-button volume' }, soundToggle.button, volume);
  const render = () => {
    const { onStage } = membership;
    const { raised } = call.hand;
    const label = translate(audio.muted ? 'unmuteSound' : 'muteSound');
    soundToggle.update({ label, icon: audio.muted ? VolumeX : Volume2, pressed: !audio.muted });
    // On the stage the shortcut M belongs to the microphone, as in a call.
    soundToggle.button.dataset.tooltip = onStage ? label : translate('tooltip', { label, key: 'M' });
    if (onStage) soundToggle.button.removeAttribute('aria-keyshortcuts');
    else soundToggle.button.setAttribute('aria-keyshortcuts', 'M');
    volume.value = String(audio.muted ? 0 : audio.volume);
    hand.button.hidden = onStage || player.state === 'ended';
    hand.button.disabled = call.phase !== 'joined';
    hand.update({ label: translate(raised ? 'lowerHand' : 'raiseHand'), icon: Hand, pressed: raised });
    devices.hidden = !onStage;
    end.button.hidden = !canEnd();
    updateSourceToggles({ microphone, camera }, call.sources.toggles);
    pictureInPicture.button.hidden = !document.pictureInPictureEnabled || player.state !== 'live';
    // After the end there is nothing to see or to hear.
    const isOver = player.state === 'ended' && !onStage;
    volumeControl.hidden = isOver;
    full.button.hidden = !document.fullscreenEnabled || isOver;
    const isFull = document.fullscreenElement !== null;
    full.update({ label: translate(isFull ? 'exitFullScreen' : 'fullScreen'), icon: isFull ? Minimize : Maximize });
  };
  document.addEventListener('fullscreenchange', render);
  const keys = bindShortcuts({
    get m() {
      return membership.onStage ? microphone.button : soundToggle.button;
    },
    v: camera.button,
    c: options.chat.button,
    p: pictureInPicture.button,
    f: full.button,
  });
  const settings = menu(quality.button, translate('settings'), () => [
    radioItems<Quality>(
      translate('quality'),
      qualities.map((value) => ({ value, label: translate(qualityLabels[value]) })),
      player.quality,
      (value) => player.setQuality(value),
    ),
    options.stats.menuItem(quality.button),
    ...appearanceItems(),
  ]);
  const root = element(
    'div',
    { className: 'control-bar', role: 'toolbar', ariaLabel: translate('controls') },
    volumeControl,
    devices,
    hand.button,
    options.chat.button,
    quality.button,
    settings,
    pictureInPicture.button,
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

function volumeSlider(audio: ViewerAudio): HTMLInputElement {
  const slider = element('input', { type: 'range', min: '0', max: '1', step: '0.05', ariaLabel: translate('volume') });
  slider.addEventListener('input', () => audio.setVolume(slider.valueAsNumber));
  return slider;
}
