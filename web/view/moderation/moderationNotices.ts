/** Shows notices about moderation: what has been done to us, who waits to be let in, and how the room is closed to others. */
import type { Toasts } from '../common/Toasts.ts';
import type { CallController } from '../controller/CallController.ts';
import { administration, loadModeration, type ModerationParts } from './loadModeration.ts';

/** Shows them from now on, as long as the call lasts. */
export function notifyModeration(call: CallController, toasts: Pick<Toasts, 'show'>): void {
  const show = (texts: (parts: ModerationParts) => readonly (string | undefined)[]) =>
    void loadModeration().then(
      (parts) => {
        for (const text of texts(parts)) if (text !== undefined) toasts.show(text);
      },
      (error: unknown) => console.warn('What there is about moderation could not be loaded.', error),
    );
  // So that an administrator has it before the first menu is opened.
  call.on('changed', () => void administration(call));
  call.on('moderated', (moderated) => show((parts) => [parts.moderationText(moderated)]));
  const known = new Set<string>();
  call.on('waitingChanged', ({ first }) => {
    const added = call.isAdmin ? first.filter(({ id }) => !known.has(id)) : [];
    for (const { id } of added) known.add(id);
    if (added.length > 0) show((parts) => [parts.waitingText(added)]);
  });
  const { locked, waitingRoom } = call.client.moderation;
  let access = { locked, waitingRoom };
  call.on('roomAccessChanged', (now) => {
    const before = access;
    access = now;
    // What was so before we joined is in the list of people.
    if (call.phase === 'joined') show((parts) => parts.roomAccessText(now, before, call.isAdmin));
  });
}
