/** A broadcast on the page of a viewer: header, player, controls, invitations onto the stage, messages, and files on the stage. */
import { chatToggle } from '../../chat/chatToggle.ts';
import { autoHideControls } from '../../common/autoHideControls.ts';
import { callNotices } from '../../common/callNotices.ts';
import { element, microtaskDebounce } from '../../common/dom.ts';
import { statsToggle } from '../../common/stats/statsToggle.ts';
import type { CallController, EndReason } from '../../controller/CallController.ts';
import { fileSharing } from '../../files/fileSharing.ts';
import { translate } from '../../locales/index.ts';
import { notifyModeration } from '../../moderation/moderationNotices.ts';
import { preferences } from '../../storage/preferences.ts';
import { BroadcastController } from '../BroadcastController.ts';
import { confirmEndBroadcast, notifyUnattended } from '../unattended.ts';
import { askName, askToJoinStage } from './dialogs.ts';
import { Player } from './Player.ts';
import { PlayerOverlay } from './PlayerOverlay.ts';
import { type PlaybackStats, PlaybackStatsMeter } from './playbackStats.ts';
import { StageMembership } from './StageMembership.ts';
import { ViewerAudio } from './ViewerAudio.ts';
import { viewerControls } from './viewerControls.ts';
import { viewerHeader } from './viewerHeader.ts';

/** How often levels and statistics are polled and the time is updated, in milliseconds. */
const INTERVALS = { levels: 250, time: 500, stats: 2000 };

/** Creates the elements of a viewer's page; `close()` ends their timers and listeners. */
export function viewerView(
  call: CallController,
  onEnded: (reason: EndReason) => void,
): { root: HTMLElement; close(): void } {
  const broadcast = new BroadcastController(call);
  const root = element('div', { className: 'viewer' });
  const { toasts, ...notices } = callNotices(call, root);
  const membership = new StageMembership(broadcast, (onStage, byOthers) => {
    // On the stage the others have to be heard.
    if (onStage) audio.setMuted(false);
    toasts.show(translate(onStage ? 'onStageNow' : byOthers ? 'offStageByHost' : 'offStageNow'));
  });
  const audio = new ViewerAudio(
    () => render(),
    () => toasts.showError(translate('speakerFailed')),
  );
  const player = new Player(broadcast, membership);
  const overlay = new PlayerOverlay(broadcast);
  const header = viewerHeader(broadcast);
  const stats = statsToggle(call, root, toasts);
  const chat = chatToggle({
    call,
    toasts,
    place: root,
    onToggle: (open) => root.classList.toggle('with-chat', open),
  });
  const files = fileSharing({ call, chat, toasts, root });
  const controls = viewerControls({
    call,
    chat,
    stats,
    audio,
    player,
    membership,
    root,
    onHand: () => toggleHand(call, root),
    canEnd: () => membership.onStage && (broadcast.info?.unattended ?? false),
    onEnd: () => confirmEndBroadcast(broadcast, root),
  });
  player.root.append(overlay.root, audio.unmuteButton);
  root.append(
    header.root,
    element('div', { className: 'player' }, player.root),
    controls.root,
    ...notices.elements,
    audio.root,
  );

  const render = microtaskDebounce(() => {
    // The end emits `changed` too, after this view was closed.
    if (call.phase === 'ended') return;
    audio.output.play(call.remoteParticipants, call.client.audioSlotTracks);
    player.render();
    renderState();
  });
  const renderState = () => {
    const { state } = player;
    root.dataset.state = state;
    root.classList.toggle('on-stage', membership.onStage);
    overlay.render(state);
    header.render(state);
    controls.render();
    audio.unmuteButton.hidden = state !== 'live' || !audio.offersUnmute;
  };
  const updateInvitation = invitationDialog(call, broadcast, membership, root);
  call.on('changed', () => {
    updateInvitation();
    render();
  });
  notifyModeration(call, toasts);
  notifyUnattended(broadcast, toasts, () => membership.onStage);
  const timers = [
    setInterval(() => {
      player.pollSpeakers();
      if (player.state !== root.dataset.state) renderState();
    }, INTERVALS.levels),
    setInterval(() => header.render(player.state), INTERVALS.time),
    pollPlaybackStats(call, (stats) => header.showStats(player.state === 'live' ? stats : undefined)),
  ];
  const showControls = autoHideControls(root);
  const close = () => {
    for (const timer of timers) clearInterval(timer);
    showControls();
    for (const part of [notices, player, controls, audio.output, stats, chat, files]) part.close();
  };
  call.on('ended', (reason) => {
    close();
    onEnded(reason);
  });
  render();
  return { root, close };
}

/** Raises or lowers the hand; asks for a name first, where neither the token nor this device has one. */
function toggleHand(call: CallController, root: HTMLElement): void {
  const isNameless = call.options.token === undefined && !preferences.name.get();
  if (call.hand.raised || !isNameless) void call.hand.toggle();
  else askName(root, (name) => void call.hand.toggle(name));
}

/** @returns a function that opens the dialog while there is an unanswered invitation, and closes it afterwards */
function invitationDialog(
  call: CallController,
  broadcast: BroadcastController,
  membership: StageMembership,
  root: HTMLElement,
): () => void {
  let close: (() => void) | undefined;
  return () => {
    const invitedBy = call.phase === 'joined' && !membership.onStage ? call.client.broadcast.invitedBy : undefined;
    if (invitedBy !== undefined) {
      close ??= askToJoinStage(root, invitedBy, {
        onAccept: (devices) => {
          close = undefined;
          void membership.accept(devices);
        },
        onDecline: () => {
          close = undefined;
          void broadcast.answerInvitation(false);
        },
      });
      return;
    }
    const closeDialog = close;
    close = undefined;
    closeDialog?.();
  };
}

/** Samples the statistics of the current client. @returns the interval timer */
function pollPlaybackStats(call: CallController, onStats: (stats: PlaybackStats | undefined) => void) {
  let meter = new PlaybackStatsMeter();
  let client = call.client;
  return setInterval(async () => {
    if (document.hidden) return;
    if (client !== call.client) meter = new PlaybackStatsMeter();
    client = call.client;
    const stats = await client.getStats().catch(() => []);
    onStats(meter.add(stats, performance.now()));
  }, INTERVALS.stats);
}
