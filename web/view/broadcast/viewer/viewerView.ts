/** Owns a broadcast on the page of a viewer: player, controls, the way onto the stage, and what is said as things happen. */

import { autoHideControls } from '../../common/autoHideControls.ts';
import { busyBanner } from '../../common/busyBanner.ts';
import { element, microtaskDebounce } from '../../common/dom.ts';
import { notifyErrors, showConnectionState } from '../../common/notifications.ts';
import { Toasts } from '../../common/Toasts.ts';
import type { CallController, EndReason } from '../../controller/CallController.ts';
import { translate } from '../../locales/index.ts';
import { preferences } from '../../storage/preferences.ts';
import { BroadcastController } from '../BroadcastController.ts';
import { confirmEndBroadcast, notifyUnattended } from '../unattended.ts';
import { askName, askToJoinStage } from './dialogs.ts';
import { Player } from './Player.ts';
import { PlayerOverlay } from './PlayerOverlay.ts';
import { PlaybackStatsMeter } from './playbackStats.ts';
import { StageMembership } from './StageMembership.ts';
import { ViewerAudio } from './ViewerAudio.ts';
import { viewerControls } from './viewerControls.ts';
import { viewerHeader } from './viewerHeader.ts';

/** How often voices and pictures are looked at, the clock moves, and figures are taken, in milliseconds. */
const TIMES = { hear: 250, clock: 500, figures: 2000 };

/** The broadcast's elements; `close()` ends its timers. */
export function viewerView(
  call: CallController,
  onEnded: (reason: EndReason) => void,
): { root: HTMLElement; close(): void } {
  const broadcast = new BroadcastController(call);
  const toasts = new Toasts();
  const membership = new StageMembership(broadcast, (on, byOthers) => {
    // Whoever talks with others has to hear them.
    if (on) sound.setMuted(false);
    toasts.show(translate(on ? 'onStageNow' : byOthers ? 'returnedToViewers' : 'offStageNow'));
  });
  const sound = new ViewerAudio(
    () => render(),
    () => toasts.showError(translate('speakerUnavailable')),
  );
  const player = new Player(broadcast, membership);
  const card = new PlayerOverlay(broadcast);
  const head = viewerHeader(broadcast);
  const status = element('p', { className: 'status', role: 'status', hidden: true });
  const waiting = busyBanner(call);
  const root = element('div', { className: 'viewer' });
  const controls = viewerControls({
    call,
    sound,
    player,
    membership,
    frame: root,
    onHand: () => raiseHand(call, root),
    mayEnd: () => membership.onStage && (broadcast.info?.unattended ?? false),
    onEnd: () => confirmEndBroadcast(broadcast, root),
  });
  player.root.append(card.root, sound.unmuteButton);
  const stage = element('div', { className: 'player' }, player.root);
  root.append(head.root, stage, controls.root, status, waiting.root, toasts.root, sound.root);

  const render = microtaskDebounce(() => {
    if (call.phase === 'ended') return;
    // An end is a new beginning of nothing: what was heard last is not to be.
    sound.audio.play(call.remoteParticipants, call.client.audioSlotTracks);
    player.render();
    showScene();
  });
  const showScene = () => {
    const { state } = player;
    root.dataset.state = state;
    root.classList.toggle('on-stage', membership.onStage);
    card.render(state);
    head.render(state);
    controls.render();
    sound.unmuteButton.hidden = state !== 'live' || !sound.offersUnmute;
  };
  const invitation = answerInvitations(call, broadcast, membership, root);
  call.on('changed', () => {
    invitation.look();
    render();
  });
  call.on('draining', (seconds) => toasts.show(translate('draining', { seconds: Math.ceil(seconds) })));
  notifyUnattended(broadcast, toasts, () => membership.onStage);
  const problems = notifyErrors(call, toasts);
  const quiet = showConnectionState(call, status, toasts, root);
  const stillness = autoHideControls(root);
  const timers = [
    setInterval(() => {
      player.pollSpeakers();
      if (player.state !== root.dataset.state) showScene();
    }, TIMES.hear),
    setInterval(() => head.render(player.state), TIMES.clock),
    pollPlaybackStats(call, (figures) => head.showStats(player.state === 'live' ? figures : undefined)),
  ];
  const close = () => {
    for (const timer of timers) clearInterval(timer);
    quiet();
    problems();
    stillness();
    for (const part of [waiting, player, controls, sound.audio]) part.close();
  };
  call.on('ended', (reason) => {
    close();
    onEnded(reason);
  });
  render();
  return { root, close };
}

/** Whoever has never said a name is asked for one, where no token says it. */
function raiseHand(call: CallController, frame: HTMLElement): void {
  const nameless = call.options.token === undefined && !preferences.name.get();
  if (call.localParticipant.handRaised || !nameless) void call.toggleHand();
  else askName(frame, (name) => void call.toggleHand(name));
}

/** Asks as long as there is an invitation that has no answer. */
function answerInvitations(
  call: CallController,
  broadcast: BroadcastController,
  membership: StageMembership,
  frame: HTMLElement,
): { look(): void } {
  let close: (() => void) | undefined;
  const look = () => {
    const by = call.phase === 'joined' && !membership.onStage ? call.client.broadcast.invitedBy : undefined;
    if (by !== undefined)
      close ??= askToJoinStage(frame, by, {
        onAccept: (devices) => {
          close = undefined;
          void membership.accept(devices);
        },
        onDecline: () => {
          close = undefined;
          void broadcast.answerInvitation(false);
        },
      });
    else if (close) {
      const taken = close;
      close = undefined;
      taken();
    }
  };
  return { look };
}

function pollPlaybackStats(call: CallController, onFigures: (figures: ReturnType<PlaybackStatsMeter['add']>) => void) {
  let figures = new PlaybackStatsMeter();
  let client = call.client;
  return setInterval(async () => {
    if (document.hidden) return;
    if (client !== call.client) figures = new PlaybackStatsMeter();
    client = call.client;
    const stats = await client.getStats().catch(() => []);
    onFigures(figures.add(stats, performance.now()));
  }, TIMES.figures);
}
