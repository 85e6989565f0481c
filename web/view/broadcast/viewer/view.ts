/** Owns a broadcast on the page of a viewer: player, controls, the way onto the stage, and what is said as things happen. */

import { autoHideControls } from '../../common/autoHideControls.ts';
import { element, microtaskDebounce } from '../../common/dom.ts';
import { notifyProblems, showPhase } from '../../common/notifications.ts';
import { preferences } from '../../common/preferences.ts';
import { Toasts } from '../../common/Toasts.ts';
import { waitingBanner } from '../../common/waitingBanner.ts';
import { translate } from '../../locales/index.ts';
import type { CallController, EndReason } from '../../participation/CallController.ts';
import { BroadcastController } from '../BroadcastController.ts';
import { endBroadcast, tellUnattended } from '../unattended.ts';
import { PlayerCard } from './Card.ts';
import { viewerControls } from './controls.ts';
import { askName, askOntoStage } from './dialogs.ts';
import { Player } from './Player.ts';
import { PlaybackStatsMeter } from './playbackStats.ts';
import { ViewerStage } from './Stage.ts';
import { ViewerSound } from './sound.ts';
import { viewerHead } from './viewerHeader.ts';

/** How often voices and pictures are looked at, the clock moves, and figures are taken, in milliseconds. */
const TIMES = { hear: 250, clock: 500, figures: 2000 };

/** The broadcast's elements; `close()` ends its timers. */
export function viewerView(
  session: CallController,
  onEnded: (reason: EndReason) => void,
): { root: HTMLElement; close(): void } {
  const show = new BroadcastController(session);
  const toasts = new Toasts();
  const onStage = new ViewerStage(show, (on, byOthers) => {
    // Whoever talks with others has to hear them.
    if (on) sound.setMuted(false);
    toasts.show(translate(on ? 'onStageNow' : byOthers ? 'sentBack' : 'offStageNow'));
  });
  const sound = new ViewerSound(
    () => render(),
    () => toasts.warn(translate('speakerRefused')),
  );
  const player = new Player(show, onStage);
  const card = new PlayerCard(show);
  const head = viewerHead(show);
  const status = element('p', { className: 'status', role: 'status', hidden: true });
  const waiting = waitingBanner(session);
  const root = element('div', { className: 'watch' });
  const controls = viewerControls({
    session,
    sound,
    player,
    onStage,
    frame: root,
    onHand: () => raiseHand(session, root),
    mayEnd: () => onStage.on && (show.info?.unattended ?? false),
    onEnd: () => endBroadcast(show, root),
  });
  player.root.append(card.root, sound.unmute);
  const stage = element('div', { className: 'player' }, player.root);
  root.append(head.root, stage, controls.root, status, waiting.root, toasts.root, sound.root);

  const render = microtaskDebounce(() => {
    if (session.phase === 'ended') return;
    // An end is a new beginning of nothing: what was heard last is not to be.
    sound.sound.play(session.others, session.client.slotTracks);
    player.render();
    showScene();
  });
  const showScene = () => {
    const { scene } = player;
    root.dataset.scene = scene;
    root.classList.toggle('on-stage', onStage.on);
    card.render(scene);
    head.render(scene);
    controls.render();
    sound.unmute.hidden = scene !== 'live' || !sound.offers;
  };
  const invitation = answerInvitations(session, show, onStage, root);
  session.on('changed', () => {
    invitation.look();
    render();
  });
  session.on('draining', (seconds) => toasts.show(translate('draining', { seconds: Math.ceil(seconds) })));
  tellUnattended(show, toasts, () => onStage.on);
  const problems = notifyProblems(session, toasts);
  const quiet = showPhase(session, status, toasts, root);
  const stillness = autoHideControls(root);
  const timers = [
    setInterval(() => {
      player.hear();
      if (player.scene !== root.dataset.scene) showScene();
    }, TIMES.hear),
    setInterval(() => head.render(player.scene), TIMES.clock),
    takeFigures(session, (figures) => head.showFigures(player.scene === 'live' ? figures : undefined)),
  ];
  const close = () => {
    for (const timer of timers) clearInterval(timer);
    quiet();
    problems();
    stillness();
    for (const part of [waiting, player, controls, sound.sound]) part.close();
  };
  session.on('ended', (reason) => {
    close();
    onEnded(reason);
  });
  render();
  return { root, close };
}

/** Whoever has never said a name is asked for one, where no token says it. */
function raiseHand(session: CallController, frame: HTMLElement): void {
  const nameless = session.wish.token === undefined && !preferences.name.get();
  if (session.self.hand || !nameless) void session.toggleHand();
  else askName(frame, (name) => void session.toggleHand(name));
}

/** Asks as long as there is an invitation that has no answer. */
function answerInvitations(
  session: CallController,
  show: BroadcastController,
  onStage: ViewerStage,
  frame: HTMLElement,
): { look(): void } {
  let close: (() => void) | undefined;
  const look = () => {
    const by = session.phase === 'in' && !onStage.on ? session.client.broadcast.invitedBy : undefined;
    if (by !== undefined)
      close ??= askOntoStage(frame, by, {
        onAccept: (devices) => {
          close = undefined;
          void onStage.accept(devices);
        },
        onDecline: () => {
          close = undefined;
          void show.answer(false);
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

function takeFigures(session: CallController, onFigures: (figures: ReturnType<PlaybackStatsMeter['add']>) => void) {
  let figures = new PlaybackStatsMeter();
  let client = session.client;
  return setInterval(async () => {
    if (document.hidden) return;
    if (client !== session.client) figures = new PlaybackStatsMeter();
    client = session.client;
    const stats = await client.getStats().catch(() => []);
    onFigures(figures.add(stats, performance.now()));
  }, TIMES.figures);
}
