/** Owns the studio on the page: the program, its scenes, being on air, the stage, and what is said as things happen. */
import { announce, element, microtaskDebounce } from '../../common/dom.ts';
import { inviteButton } from '../../common/invite.ts';
import { notifyPermissions, notifyProblems, showPhase } from '../../common/notifications.ts';
import { preferences } from '../../common/preferences.ts';
import { RemoteAudio } from '../../common/RemoteAudio.ts';
import { Toasts } from '../../common/Toasts.ts';
import { waitingBanner } from '../../common/waitingBanner.ts';
import { translate } from '../../locales/index.ts';
import type { EndReason } from '../../participation/callEvents.ts';
import type { BroadcastController } from '../BroadcastController.ts';
import { tellUnattended } from '../unattended.ts';
import { confirmDialog } from './confirmDialog.ts';
import { StudioHands } from './Hands.ts';
import { StudioMeter } from './Meter.ts';
import { OnAirControls } from './OnAirControls.ts';
import { StudioProfile } from './Profile.ts';
import { StudioProgram } from './Program.ts';
import { StudioScenes } from './Scenes.ts';
import { SendStats } from './SendStats.ts';
import { StudioStage } from './Stage.ts';
import { studioBar } from './StudioBar.ts';

/** How often voices are looked at, in milliseconds. */
const LEVELS = 200;

export interface StudioOptions {
  readonly show: BroadcastController;
  /** @param live whether the broadcast was live when it was left */
  onEnded(reason: EndReason, live: boolean): void;
}

/** The studio's elements; `close()` ends its timers. */
export function studioView({ show, onEnded }: StudioOptions): { root: HTMLElement; close(): void } {
  const { session } = show;
  const toasts = new Toasts();
  const { sound, button: soundButton } = stageSound(toasts);
  const status = element('p', { className: 'status', role: 'status', hidden: true });
  const waiting = waitingBanner(session);
  const air = new OnAirControls(show);
  const scenes = new StudioScenes(session);
  const meter = new StudioMeter(session, () => session.phase === 'in' && air.live);
  const health = new SendStats(session);
  const stage = new StudioStage(show);
  const panels = [stage, new StudioHands(show, toasts), new StudioProfile(show)];
  const program = new StudioProgram(session, air.summary);
  const root = element('div', { className: 'studio' });
  const bar = studioBar({ session, sound, onLeave: () => void leave(show, root) });
  root.append(
    element(
      'header',
      { className: 'studio-top' },
      element('h1', {}, session.wish.room),
      air.status,
      inviteButton(toasts, 'studioLink'),
      air.button,
    ),
    element(
      'div',
      { className: 'studio-body' },
      element(
        'div',
        { className: 'studio-view' },
        program.root,
        meter.warning,
        health.warning,
        element('div', { className: 'studio-under' }, meter.root, scenes.root),
      ),
      element('aside', { className: 'studio-side' }, ...panels.map((panel) => panel.root), health.root),
    ),
    bar.root,
    status,
    waiting.root,
    soundButton,
    toasts.root,
    sound.root,
  );

  const render = microtaskDebounce(() => {
    if (session.phase === 'ended') return;
    sound.play(session.others, session.client.slotTracks);
    scenes.render();
    program.render(scenes.current);
    air.render();
    for (const panel of panels) panel.render();
    bar.render();
    root.classList.toggle('live', air.live);
  });
  session.on('changed', render);
  session.on('draining', (seconds) => toasts.show(translate('draining', { seconds: Math.ceil(seconds) })));
  session.on('personLeft', ({ name }) => toasts.show(translate('left', { name })));
  session.on('screenShared', ({ name }) => announce(translate('shares', { name })));
  tellUnattended(show, toasts, () => session.mayPublish);
  const problems = notifyProblems(session, toasts);
  notifyPermissions(session, toasts);
  const quiet = showPhase(session, status, toasts, root);
  const levels = setInterval(() => stage.hear(), LEVELS);
  const close = () => {
    clearInterval(levels);
    quiet();
    problems();
    for (const part of [waiting, air, meter, health, stage, program, bar, sound]) part.close();
  };
  session.on('ended', (reason) => {
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
    { type: 'button', className: 'primary banner', hidden: true },
    translate('turnOnSound'),
  );
  const sound = new RemoteAudio(
    (refused) => {
      if (refused && button.hidden) announce(translate('soundRefused'));
      button.hidden = !refused;
    },
    () => toasts.warn(translate('speakerRefused')),
  );
  button.addEventListener('click', () => void sound.retry());
  const speaker = preferences.speaker.get();
  if (speaker && RemoteAudio.canChoose) void sound.choose(speaker, false);
  return { sound, button };
}

/** Leaves; a host who is on air says whether that ends it. */
async function leave(show: BroadcastController, root: HTMLElement): Promise<void> {
  const { session } = show;
  if (session.isAdmin && show.info?.state === 'live') {
    const answer = await confirmDialog(root, {
      title: translate('leaveAsk'),
      text: translate('leaveAskText'),
      answers: [
        { value: 'leave', label: translate('leaveForNow') },
        { value: 'end', label: translate('endBroadcast'), danger: true },
      ],
    });
    if (!answer) return;
    if (answer === 'end') await show.end();
  }
  session.leave();
}
