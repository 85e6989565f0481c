/** Ends a viewer when nothing has been published in its room for a while that it receives: it would keep the room open for ever. */
import type { CloseReason } from '../../../shared/closeReasons.ts';
import type { Publication } from '../../room/Publication.ts';
import type { Room } from '../../room/Room.ts';

export interface IdleOptions {
  /** For so long a viewer waits for somebody to publish again, in milliseconds. */
  readonly time: number;
  /** It ends because of that. */
  onIdle(): void;
}

/** What is known of a viewer here. */
export interface IdleViewer {
  receives(publication: Publication): boolean;
  close(reason: CloseReason): void;
  onEnd(listener: () => void): void;
}

const FIVE_MINUTES: IdleOptions = { time: 5 * 60_000, onIdle() {} };

export function endWhenIdle(
  room: Pick<Room, 'publications' | 'events'>,
  viewer: IdleViewer,
  { time, onIdle }: IdleOptions = FIVE_MINUTES,
): void {
  let timer: NodeJS.Timeout | undefined;
  const end = () => {
    onIdle();
    viewer.close('left');
  };
  const update = () => {
    if (room.publications.some((publication) => viewer.receives(publication))) {
      clearTimeout(timer);
      timer = undefined;
    } else {
      timer ??= setTimeout(end, time);
    }
  };
  const removeListener = room.events.on({ published: update, unpublished: update });
  update();
  viewer.onEnd(() => {
    removeListener();
    clearTimeout(timer);
  });
}
