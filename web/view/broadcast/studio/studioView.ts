/** The studio on the page: preview, scenes, state of the broadcast, stage, raised hands, messages and files. */

import { chatToggle } from '../../chat/chatToggle.ts';
import { callAudio } from '../../common/callAudio.ts';
import { callNotices } from '../../common/callNotices.ts';
import { confirmDialog } from '../../common/confirmDialog.ts';
import { announce, element, microtaskDebounce } from '../../common/dom.ts';
import { inviteButton } from '../../common/inviteButton.ts';
import { notifyPermissions } from '../../common/notifications.ts';
import { statsToggle } from '../../common/stats/statsToggle.ts';
import type { EndReason } from '../../controller/callEvents.ts';
import { encoderItem } from '../../encoder/encoderItem.ts';
import { fileSharing } from '../../files/fileSharing.ts';
import { translate } from '../../locales/index.ts';
import { notifyModeration } from '../../moderation/moderationNotices.ts';
import { waitingSection } from '../../moderation/waitingSection.ts';
import type { BroadcastController } from '../BroadcastController.ts';
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

/** How often audio levels are polled, in milliseconds. */
const LEVEL_INTERVAL = 200;

export interface StudioOptions {
  readonly broadcast: BroadcastController;
  /** @param live whether the broadcast is still live */
  onEnded(reason: EndReason, live: boolean): void;
}

/** Creates the elements of the studio; `close()` ends their timers and listeners. */
export function studioView({ broadcast, onEnded }: StudioOptions): { root: HTMLElement; close(): void } {
  const { call } = broadcast;
  const root = element('div', { className: 'studio' });
  const { toasts, ...notices } = callNotices(call, root);
  const { audio, unlockButton } = callAudio(toasts);
  const onAir = new OnAirControls(broadcast);
  const scenes = new SceneSwitcher(call);
  const meter = new MicrophoneMeter(call, () => call.phase === 'joined' && onAir.live);
  const sendStats = new SendStats(call);
  const stage = new StagePanel(broadcast);
  const waiting = waitingSection(call, 'studio-panel');
  const panels = [waiting, stage, new RaisedHandsPanel(broadcast, toasts), new ProfilePanel(broadcast)];
  const preview = new StreamPreview(call, onAir.summary);
  const stats = statsToggle(call, root, toasts);
  const chat = chatToggle({
    call,
    toasts,
    place: root,
    onToggle: (open) => root.classList.toggle('with-chat', open),
  });
  const files = fileSharing({ call, chat, toasts, root });
  const encoder = encoderItem(call, root, toasts);
  const bar = studioBar({
    ...{ call, audio, stats, encoder, chat, toasts, overlay: root },
    onLeave: () => void leave(broadcast, root),
  });
  root.append(
    element(
      'header',
      { className: 'studio-header' },
      element('h1', {}, call.options.room),
      onAir.status,
      inviteButton(toasts, 'studioLink'),
      onAir.button,
    ),
    element(
      'div',
      { className: 'studio-body' },
      element(
        'div',
        { className: 'studio-main' },
        preview.root,
        meter.warning,
        sendStats.warning,
        element('div', { className: 'studio-preview-footer' }, meter.root, scenes.root),
      ),
      element('aside', { className: 'studio-sidebar' }, ...panels.map((panel) => panel.root), sendStats.root),
    ),
    bar.root,
    ...notices.elements,
    unlockButton,
    audio.root,
  );

  const render = microtaskDebounce(() => {
    if (call.phase === 'ended') return;
    audio.play(call.remoteParticipants, call.client.audioSlotTracks);
    scenes.render();
    preview.render(scenes.current);
    onAir.render();
    for (const panel of panels) panel.render();
    bar.render();
    root.classList.toggle('live', onAir.live);
  });
  call.on('changed', render);
  call.on('participantLeft', ({ name }) => toasts.show(translate('left', { name })));
  call.on('screenShared', ({ name }) => announce(translate('sharedBy', { name })));
  notifyUnattended(broadcast, toasts, () => call.canPublish);
  notifyPermissions(call, toasts);
  notifyModeration(call, toasts);
  const levels = setInterval(() => stage.pollSpeakers(), LEVEL_INTERVAL);
  const close = () => {
    clearInterval(levels);
    for (const part of [notices, onAir, meter, sendStats, stage, preview, bar, audio, stats, chat, files]) part.close();
  };
  call.on('ended', (reason) => {
    close();
    onEnded(reason, onAir.live);
  });
  render();
  return { root, close };
}

/** Leaves the studio; asks a host of a live broadcast whether to end it. */
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
