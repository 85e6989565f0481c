/** Owns the call on the page: stage, bar, list of people, messages, and what is said as things happen. */

import { autoHideControls } from '../common/autoHideControls.ts';
import { busyBanner } from '../common/busyBanner.ts';
import { announce, element, microtaskDebounce } from '../common/dom.ts';
import { inviteButton } from '../common/inviteButton.ts';
import { notifyErrors, notifyPermissions, showConnectionState } from '../common/notifications.ts';
import { RemoteAudio } from '../common/RemoteAudio.ts';
import { Toasts } from '../common/Toasts.ts';
import type { CallController, EndReason } from '../controller/CallController.ts';
import { translate } from '../locales/index.ts';
import { preferences } from '../storage/preferences.ts';
import { CallLayout } from './CallLayout.ts';
import { controlBar } from './controlBar.ts';
import { moreMenu } from './moreMenu.ts';
import { ParticipantList } from './ParticipantList.ts';
import { floatReaction } from './reactions.ts';

/** How often voices are looked at, in milliseconds. */
const LEVELS = 200;

/** The call's elements; `close()` ends its timers. */
export function callView(
  call: CallController,
  onEnded: (reason: EndReason) => void,
): { root: HTMLElement; close(): void } {
  const toasts = new Toasts();
  const soundButton = element(
    'button',
    { type: 'button', className: 'primary audio-unlock', hidden: true },
    translate('turnOnSound'),
  );
  const sound = new RemoteAudio(
    (refused) => {
      if (refused && soundButton.hidden) announce(translate('autoplayBlocked'));
      soundButton.hidden = !refused;
    },
    () => toasts.showError(translate('speakerUnavailable')),
  );
  soundButton.addEventListener('click', () => void sound.retry());
  const status = element('p', { className: 'status', role: 'status', hidden: true });
  const alone = element(
    'div',
    { className: 'alone-card' },
    element('p', {}, translate('nobodyElse')),
    element('p', { className: 'secondary' }, translate('nobodyElseHint')),
    inviteButton(toasts),
  );
  const stage = new CallLayout(call, alone);
  const people = new ParticipantList(call, inviteButton(toasts), () => controls.render());
  const floating = element('div', { className: 'reaction-layer', ariaHidden: 'true' });
  const waiting = busyBanner(call);
  const root = element('div', { className: 'call' });
  const controls = controlBar({
    call,
    sound,
    onPeople: () => people.toggle(),
    peopleOpen: () => !people.root.hidden,
    moreMenu: (button) => moreMenu(button, { call, stage, frame: root, onPeople: () => people.toggle() }),
  });
  root.append(
    element('div', { className: 'call-main' }, stage.root, people.root),
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
  if (speaker && RemoteAudio.canSelectSpeaker) void sound.selectSpeaker(speaker, false);

  const render = microtaskDebounce(() => {
    // The end is a change as well, and nothing is shown of it here.
    if (call.phase === 'ended') return;
    sound.play(call.remoteParticipants, call.client.audioSlotTracks);
    stage.render();
    controls.render();
    people.render();
  });
  call.on('changed', render);
  call.on('participantJoined', ({ name }) => toasts.show(translate('joined', { name })));
  call.on('participantLeft', ({ name }) => toasts.show(translate('left', { name })));
  call.on('draining', (seconds) => toasts.show(translate('draining', { seconds: Math.ceil(seconds) })));
  call.on('participantRemoved', (name) => toasts.show(translate('removed', { name })));
  call.on('handRaised', ({ name }) => toasts.show(translate('handRaisedBy', { name })));
  call.on('screenShared', ({ name }) => announce(translate('screenSharedBy', { name })));
  call.on('reaction', ({ person, reaction }) => {
    floatReaction(floating, reaction, person.isLocal ? translate('you') : person.name);
    if (!person.isLocal) announce(translate('reactionBy', { name: person.name, reaction: translate(reaction) }));
  });
  const problems = notifyErrors(call, toasts);
  notifyPermissions(call, toasts);
  const quiet = showConnectionState(call, status, toasts, root);
  const levels = setInterval(() => stage.pollSpeakers(), LEVELS);
  const stillness = autoHideControls(root);
  const close = () => {
    clearInterval(levels);
    quiet();
    problems();
    stillness();
    for (const part of [waiting, stage, sound, controls]) part.close();
  };
  call.on('ended', (reason) => {
    close();
    onEnded(reason);
  });
  render();
  return { root, close };
}
