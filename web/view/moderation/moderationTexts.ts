/** What is said about moderation: what has been done to us and by whom, who waits to be let in, how the room is closed to others. */
import type { Moderated, RoomAccess, WaitingPeers } from '../../client/index.ts';
import { translateModeration as translate } from '../locales/moderation.ts';

/** What has been done to us, in words; undefined where nothing needs to be said. */
export function moderationText(moderated: Moderated): string | undefined {
  const { by: name } = moderated;
  const text = (
    named: 'youWereMuted' | 'cameraStopped' | 'screenStopped',
    nameless: 'youWereMutedNameless' | 'cameraStoppedNameless' | 'screenStoppedNameless',
  ) => (name === undefined ? translate(nameless) : translate(named, { name }));
  if (moderated.action === 'grantsChanged') {
    const { before, grants } = moderated;
    // Coming onto the stage of a broadcast, or leaving it, is said otherwise.
    if (before.hidden !== grants.hidden) return undefined;
    const isPromoted = grants.roomAdmin && !before.roomAdmin;
    return translate(isPromoted ? 'madeAdmin' : 'rightsChanged', { name: moderated.by });
  }
  if (moderated.source === 'microphone') return text('youWereMuted', 'youWereMutedNameless');
  if (moderated.source === 'camera') return text('cameraStopped', 'cameraStoppedNameless');
  // The sound of a screen is said with the screen.
  return moderated.source === 'screen' ? text('screenStopped', 'screenStoppedNameless') : undefined;
}

/** Who waits to be let in since the last time. */
export function waitingText([one, ...others]: WaitingPeers['first']): string | undefined {
  if (!one) return undefined;
  return others.length > 0 ? translate('wait', { count: others.length + 1 }) : translate('waits', { name: one.name });
}

/** How the room is closed to others from now on; one sentence for each change. */
export function roomAccessText(now: RoomAccess, before: RoomAccess, isAdmin: boolean): string[] {
  const sentences: string[] = [];
  if (now.locked !== before.locked) sentences.push(translate(now.locked ? 'nowLocked' : 'nowUnlocked'));
  if (now.waitingRoom !== before.waitingRoom && isAdmin) {
    sentences.push(translate(now.waitingRoom ? 'nowWaitingRoom' : 'nowNoWaitingRoom'));
  }
  return sentences;
}
