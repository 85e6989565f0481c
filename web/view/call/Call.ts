/** Owns the call on the page: stage, bar, list of people, messages, and what is said as things happen. */

import { autoHideControls } from '../common/autoHideControls.ts';
import { announce, element, microtaskDebounce } from '../common/dom.ts';
import { inviteButton } from '../common/invite.ts';
import { notifyPermissions, notifyProblems, showPhase } from '../common/notifications.ts';
import { preferences } from '../common/preferences.ts';
import { RemoteAudio } from '../common/RemoteAudio.ts';
import { Toasts } from '../common/Toasts.ts';
import { waitingBanner } from '../common/waitingBanner.ts';
import { translate } from '../locales/index.ts';
import type { CallController, EndReason } from '../participation/CallController.ts';
import { controlBar } from './ControlBar.ts';
import { moreMenu } from './MoreMenu.ts';
import { People } from './People.ts';
import { floatReaction } from './reactions.ts';
import { Stage } from './Stage.ts';

/** How often voices are looked at, in milliseconds. */
const LEVELS = 200;

/** The call's elements; `close()` ends its timers. */
export function callView(
  session: CallController,
  onEnded: (reason: EndReason) => void,
): { root: HTMLElement; close(): void } {
  const toasts = new Toasts();
  const soundButton = element(
    'button',
    { type: 'button', className: 'primary banner', hidden: true },
    translate('turnOnSound'),
  );
  const sound = new RemoteAudio(
    (refused) => {
      if (refused && soundButton.hidden) announce(translate('soundRefused'));
      soundButton.hidden = !refused;
    },
    () => toasts.warn(translate('speakerRefused')),
  );
  soundButton.addEventListener('click', () => void sound.retry());
  const status = element('p', { className: 'status', role: 'status', hidden: true });
  const alone = element(
    'div',
    { className: 'alone-card' },
    element('p', {}, translate('alone')),
    element('p', { className: 'quiet' }, translate('aloneHint')),
    inviteButton(toasts),
  );
  const stage = new Stage(session, alone);
  const people = new People(session, inviteButton(toasts), () => controls.render());
  const floating = element('div', { className: 'floating-layer', ariaHidden: 'true' });
  const waiting = waitingBanner(session);
  const root = element('div', { className: 'call' });
  const controls = controlBar({
    session,
    sound,
    onPeople: () => people.toggle(),
    peopleOpen: () => !people.root.hidden,
    moreMenu: (button) => moreMenu(button, { session, stage, frame: root, onPeople: () => people.toggle() }),
  });
  root.append(
    element('div', { className: 'upper' }, stage.root, people.root),
    controls.root,
    status,
    waiting.root,
    soundButton,
    floating,
    toasts.root,
    sound.root,
  );
  if (preferences.layout.get() === 'speaker') stage.setMode('speaker');
  const speaker = preferences.speaker.get();
  if (speaker && RemoteAudio.canChoose) void sound.choose(speaker, false);

  const render = microtaskDebounce(() => {
    // The end is a change as well, and nothing is shown of it here.
    if (session.phase === 'ended') return;
    sound.play(session.others, session.client.slotTracks);
    stage.render();
    controls.render();
    people.render();
  });
  session.on('changed', render);
  session.on('personJoined', ({ name }) => toasts.show(translate('joined', { name })));
  session.on('personLeft', ({ name }) => toasts.show(translate('left', { name })));
  session.on('draining', (seconds) => toasts.show(translate('draining', { seconds: Math.ceil(seconds) })));
  session.on('removed', (name) => toasts.show(translate('removed', { name })));
  session.on('handRaised', ({ name }) => toasts.show(translate('raised', { name })));
  session.on('screenShared', ({ name }) => announce(translate('shares', { name })));
  session.on('reaction', ({ person, reaction }) => {
    floatReaction(floating, reaction, person.own ? translate('you') : person.name);
    if (!person.own) announce(translate('reacted', { name: person.name, reaction: translate(reaction) }));
  });
  const problems = notifyProblems(session, toasts);
  notifyPermissions(session, toasts);
  const quiet = showPhase(session, status, toasts, root);
  const levels = setInterval(() => stage.hear(), LEVELS);
  const stillness = autoHideControls(root);
  const close = () => {
    clearInterval(levels);
    quiet();
    problems();
    stillness();
    for (const part of [waiting, stage, sound, controls]) part.close();
  };
  session.on('ended', (reason) => {
    close();
    onEnded(reason);
  });
  render();
  return { root, close };
}
