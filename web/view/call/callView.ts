/** A call on the page: tiles, control bar, list of participants and messages. */
import { chatToggle } from '../chat/chatToggle.ts';
import { autoHideControls } from '../common/autoHideControls.ts';
import { callAudio } from '../common/callAudio.ts';
import { callNotices } from '../common/callNotices.ts';
import { announce, element, microtaskDebounce } from '../common/dom.ts';
import { inviteButton } from '../common/inviteButton.ts';
import { notifyPermissions } from '../common/notifications.ts';
import { statsToggle } from '../common/stats/statsToggle.ts';
import type { CallController, EndReason } from '../controller/CallController.ts';
import { encoderItem } from '../encoder/encoderItem.ts';
import { fileSharing } from '../files/fileSharing.ts';
import { translate } from '../locales/index.ts';
import { notifyModeration } from '../moderation/moderationNotices.ts';
import { preferences } from '../storage/preferences.ts';
import { CallLayout } from './CallLayout.ts';
import { controlBar } from './controlBar.ts';
import { moreMenu } from './moreMenu.ts';
import { ParticipantList } from './ParticipantList.ts';
import { floatReaction } from './reactions.ts';

/** How often audio levels are polled, in milliseconds. */
const LEVEL_INTERVAL = 200;

/** Creates the elements of a call; `close()` ends their timers and listeners. */
export function callView(
  call: CallController,
  onEnded: (reason: EndReason) => void,
): { root: HTMLElement; close(): void } {
  const root = element('div', { className: 'call' });
  const { toasts, ...notices } = callNotices(call, root);
  const { audio, unlockButton } = callAudio(toasts);
  const alone = element(
    'div',
    { className: 'alone-card' },
    element('p', {}, translate('alone')),
    element('p', { className: 'secondary' }, translate('aloneHint')),
    inviteButton(toasts),
  );
  const layout = new CallLayout(call, alone);
  const participants = new ParticipantList(call, { invite: inviteButton(toasts), toasts, root }, () => {
    // There is room for one of the two.
    if (!participants.root.hidden) chat.hide();
    controls.render();
  });
  const reactionLayer = element('div', { className: 'reaction-layer', ariaHidden: 'true' });
  const main = element('div', { className: 'call-main' }, layout.root, participants.root);
  const stats = statsToggle(call, main, toasts);
  const encoder = encoderItem(call, root, toasts);
  const chat = chatToggle({
    call,
    toasts,
    place: main,
    onToggle: (open) => open && !participants.root.hidden && participants.toggle(),
  });
  const files = fileSharing({ call, chat, toasts, root });
  const controls = controlBar({
    call,
    audio,
    chat,
    onParticipants: () => participants.toggle(),
    participantsOpen: () => !participants.root.hidden,
    moreMenu: (button) =>
      moreMenu(button, { call, layout, root, stats, encoder, toasts, onParticipants: () => participants.toggle() }),
  });
  root.append(main, controls.root, ...notices.elements, unlockButton, reactionLayer, audio.root);
  if (preferences.layout.get() === 'speaker') layout.setMode('speaker');

  const render = microtaskDebounce(() => {
    // The end emits `changed` too, after this view was closed.
    if (call.phase === 'ended') return;
    audio.play(call.remoteParticipants, call.client.audioSlotTracks);
    layout.render();
    controls.render();
    participants.render();
  });
  call.on('changed', render);
  call.on('participantJoined', ({ name }) => toasts.show(translate('joined', { name })));
  call.on('participantLeft', ({ name }) => toasts.show(translate('left', { name })));
  call.on('participantRemoved', (name) => toasts.show(translate('removed', { name })));
  call.on('handRaised', ({ name }) => toasts.show(translate('raisedBy', { name })));
  call.on('screenShared', ({ name }) => announce(translate('sharedBy', { name })));
  call.on('reaction', ({ participant: { isLocal, name }, reaction }) => {
    floatReaction(reactionLayer, reaction, isLocal ? translate('you') : name);
    if (!isLocal) announce(translate('reactionBy', { name, reaction: translate(reaction) }));
  });
  notifyPermissions(call, toasts);
  notifyModeration(call, toasts);
  const levels = setInterval(() => layout.pollSpeakers(), LEVEL_INTERVAL);
  const showControls = autoHideControls(root);
  const close = () => {
    clearInterval(levels);
    showControls();
    for (const part of [notices, layout, audio, controls, stats, chat, files]) part.close();
  };
  call.on('ended', (reason) => {
    close();
    onEnded(reason);
  });
  render();
  return { root, close };
}
