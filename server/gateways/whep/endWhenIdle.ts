/** Ends a player's session when nothing has been published in its room for a while: it would keep the room open for ever. */
import type { CloseReason } from '../../../shared/closeReasons.ts';
import type { Room } from '../../room/Room.ts';

/** For so long a player waits for somebody to publish again, in milliseconds. */
const IDLE_TIME = 5 * 60_000;

export function endWhenIdle(
  room: Pick<Room, 'publications' | 'events'>,
  viewer: { close(reason: CloseReason): void; onEnd(listener: () => void): void },
): void {
  let timer: NodeJS.Timeout | undefined;
  const update = () => {
    clearTimeout(timer);
    timer = room.publications.length > 0 ? undefined : setTimeout(() => viewer.close('left'), IDLE_TIME);
  };
  const removeListener = room.events.on({ published: update, unpublished: update });
  viewer.onEnd(() => {
    removeListener();
    clearTimeout(timer);
  });
  update();
}
