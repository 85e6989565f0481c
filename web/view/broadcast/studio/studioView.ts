/** Owns the studio on the page: the program, its scenes, being on air, the stage, and what is said as things happen. */

import { busyBanner } from '../../common/busyBanner.ts';
import { announce, element, microtaskDebounce } from '../../common/dom.ts';
import { inviteButton } from '../../common/inviteButton.ts';
import { notifyErrors, notifyPermissions, showConnectionState } from '../../common/notifications.ts';
import { RemoteAudio } from '../../common/RemoteAudio.ts';
import { Toasts } from '../../common/Toasts.ts';
import type { EndReason } from '../../controller/callEvents.ts';
import { translate } from '../../locales/index.ts';
import { preferences } from '../../storage/preferences.ts';
import type { BroadcastController } from '../BroadcastController.ts';
import { confirmDialog } from '../confirmDialog.ts';
import { notifyUnattended } from '../unattended.ts';
import { MicrophoneMeter } from './MicrophoneMeter.ts';
import { OnAirControls } from './OnAirControls.ts';
import { ProfilePanel } from './ProfilePanel.ts';
import { RaisedHandsPanel } from './RaisedHandsPanel.ts';
import { SceneSwitcher } from './SceneSwitcher.ts';
import { SendStats } from './SendStats.ts';
import { StagePanel } from './StagePanel.ts';
import { StreamPreview } from './StreamPreview.ts';
import { studioBar } from './studioBar.ts';

/** How often voices are looked at, in milliseconds. */
const LEVELS = 200;

export interface StudioOptions {
  readonly broadcast: BroadcastController;
  /** @param live whether the broadcast was live when it was left */
  onEnded(reason: EndReason, live: boolean): void;
}

/** The studio's elements; `close()` ends its timers. */
export function studioView({ broadcast, onEnded }: StudioOptions): { root: HTMLElement; close(): void } {
  const { call } = broadcast;
  const toasts = new Toasts();
  const { sound, button: soundButton } = stageSound(toasts);
  const status = element('p', { className: 'status', role: 'status', hidden: true });
  const waiting = busyBanner(call);
  const air = new OnAirControls(broadcast);
  const scenes = new SceneSwitcher(call);
  const meter = new MicrophoneMeter(call, () => call.phase === 'joined' && air.live);
  const health = new SendStats(call);
  const stage = new StagePanel(broadcast);
  const panels = [stage, new RaisedHandsPanel(broadcast, toasts), new ProfilePanel(broadcast)];
  const program = new StreamPreview(call, air.summary);
  const root = element('div', { className: 'studio' });
  const bar = studioBar({ call, sound, onLeave: () => void leave(broadcast, root) });
  root.append(
    element(
      'header',
      { className: 'studio-header' },
      element('h1', {}, call.options.room),
      air.status,
      inviteButton(toasts, 'studioLink'),
      air.button,
    ),
    element(
      'div',
      { className: 'studio-body' },
      element(
        'div',
        { className: 'studio-main' },
        program.root,
        meter.warning,
        health.warning,
        element('div', { className: 'studio-preview-footer' }, meter.root, scenes.root),
      ),
      element('aside', { className: 'studio-sidebar' }, ...panels.map((panel) => panel.root), health.root),
    ),
    bar.root,
    status,
    waiting.root,
    soundButton,
    toasts.root,
    sound.root,
  );

  const render = microtaskDebounce(() => {
    if (call.phase === 'ended') return;
    sound.play(call.remoteParticipants, call.client.audioSlotTracks);
    scenes.render();
    program.render(scenes.current);
    air.render();
    for (const panel of panels) panel.render();
    bar.render();
    root.classList.toggle('live', air.live);
  });
  call.on('changed', render);
  call.on('draining', (seconds) => toasts.show(translate('draining', { seconds: Math.ceil(seconds) })));
  call.on('participantLeft', ({ name }) => toasts.show(translate('left', { name })));
  call.on('screenShared', ({ name }) => announce(translate('screenSharedBy', { name })));
  notifyUnattended(broadcast, toasts, () => call.canPublish);
  const problems = notifyErrors(call, toasts);
  notifyPermissions(call, toasts);
  const quiet = showConnectionState(call, status, toasts, root);
  const levels = setInterval(() => stage.pollSpeakers(), LEVELS);
  const close = () => {
    clearInterval(levels);
    quiet();
    problems();
    for (const part of [waiting, air, meter, health, stage, program, bar, sound]) part.close();
  };
  call.on('ended', (reason) => {
    close();
    onEnded(reason, air.live);
  });
  render();
  return { root, close };
}

/** The voices of the others, and the button that a browser may ask for before they sound. */
function stageSound(toasts: Toasts): { sound: RemoteAudio; button: HTMLButtonElement } {
  const button = element(
    'button',
    { type: 'button', className: 'primary audio-unlock', hidden: true },
    translate('turnOnSound'),
  );
  const sound = new RemoteAudio(
    (refused) => {
      if (refused && button.hidden) announce(translate('autoplayBlocked'));
      button.hidden = !refused;
    },
    () => toasts.showError(translate('speakerUnavailable')),
  );
  button.addEventListener('click', () => void sound.retry());
  const speaker = preferences.speaker.get();
  if (speaker && RemoteAudio.canSelectSpeaker) void sound.selectSpeaker(speaker, false);
  return { sound, button };
}

/** Leaves; a host who is on air says whether that ends it. */
async function leave(broadcast: BroadcastController, root: HTMLElement): Promise<void> {
  const { call } = broadcast;
  if (call.isAdmin && broadcast.info?.state === 'live') {
    const answer = await confirmDialog(root, {
      title: translate('confirmLeave'),
      text: translate('confirmLeaveText'),
      answers: [
        { value: 'leave', label: translate('leaveForNow') },
        { value: 'end', label: translate('endBroadcast'), danger: true },
      ],
    });
    if (!answer) return;
    if (answer === 'end') await broadcast.end();
  }
  call.leave();
}
