/** Owns the call on the page: stage, bar, list of people, messages, and what is said as things happen. */
import { bar } from './Bar.ts';
import { announce, element, oncePerTurn } from './dom.ts';
import { inviteButton } from './invite.ts';
import { moreMenu } from './MoreMenu.ts';
import { remembered } from './memory.ts';
import { People } from './People.ts';
import { floatReaction } from './reactions.ts';
import type { EndReason, Session } from './Session.ts';
import { Sound } from './Sound.ts';
import { Stage } from './Stage.ts';
import { hideBarWhenStill } from './stillness.ts';
import { Toasts } from './Toasts.ts';
import { showPhase, tellPermissions, tellProblems } from './telling.ts';
import { waitingBanner } from './waiting.ts';
import { say } from './words/index.ts';

/** How often voices are looked at, in milliseconds. */
const LEVELS = 200;

/** The call's elements; `close()` ends its timers. */
export function callView(session: Session, onEnded: (reason: EndReason) => void): { root: HTMLElement; close(): void } {
  const toasts = new Toasts();
  const soundButton = element(
    'button',
    { type: 'button', className: 'primary banner', hidden: true },
    say('turnOnSound'),
  );
  const sound = new Sound(
    (refused) => {
      if (refused && soundButton.hidden) announce(say('soundRefused'));
      soundButton.hidden = !refused;
    },
    () => toasts.warn(say('speakerRefused')),
  );
  soundButton.addEventListener('click', () => void sound.retry());
  const status = element('p', { className: 'status', role: 'status', hidden: true });
  const alone = element(
    'div',
    { className: 'alone-card' },
    element('p', {}, say('alone')),
    element('p', { className: 'quiet' }, say('aloneHint')),
    inviteButton(toasts),
  );
  const stage = new Stage(session, alone);
  const people = new People(session, inviteButton(toasts), () => controls.render());
  const floating = element('div', { className: 'floating-layer', ariaHidden: 'true' });
  const waiting = waitingBanner(session);
  const root = element('div', { className: 'call' });
  const controls = bar({
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
  if (remembered.layout.get() === 'speaker') stage.setMode('speaker');
  const speaker = remembered.speaker.get();
  if (speaker && Sound.canChoose) void sound.choose(speaker, false);

  const render = oncePerTurn(() => {
    // The end is a change as well, and nothing is shown of it here.
    if (session.phase === 'ended') return;
    sound.play(session.others, session.client.slotTracks);
    stage.render();
    controls.render();
    people.render();
  });
  session.on('changed', render);
  session.on('personJoined', ({ name }) => toasts.tell(say('joined', { name })));
  session.on('personLeft', ({ name }) => toasts.tell(say('left', { name })));
  session.on('draining', (seconds) => toasts.tell(say('draining', { seconds: Math.ceil(seconds) })));
  session.on('removed', (name) => toasts.tell(say('removed', { name })));
  session.on('handRaised', ({ name }) => toasts.tell(say('raised', { name })));
  session.on('screenShared', ({ name }) => announce(say('shares', { name })));
  session.on('reaction', ({ person, reaction }) => {
    floatReaction(floating, reaction, person.own ? say('you') : person.name);
    if (!person.own) announce(say('reacted', { name: person.name, reaction: say(reaction) }));
  });
  const problems = tellProblems(session, toasts);
  tellPermissions(session, toasts);
  const quiet = showPhase(session, status, toasts, root);
  const levels = setInterval(() => stage.hear(), LEVELS);
  const stillness = hideBarWhenStill(root);
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
