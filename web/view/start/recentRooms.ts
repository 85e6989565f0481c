/** The rooms that somebody was in on this device, latest first. No token is kept. */
import { z } from 'zod';
import type { RoomKind } from '../../client/index.ts';
import { preferences } from '../storage/preferences.ts';

/** So many are kept. */
const MAX_ROOMS = 8;

const RecentRoom = z.object({
  kind: z.enum(['call', 'broadcast']) satisfies z.ZodType<RoomKind>,
  room: z.string().min(1).max(1024),
  /** Where not as a viewer. */
  role: z.enum(['host', 'speaker']).optional(),
});
export type RecentRoom = z.infer<typeof RecentRoom>;

const Stored = z.array(RecentRoom.nullable().catch(null));

export const recentRooms = {
  get(): RecentRoom[] {
    try {
      const stored = Stored.parse(JSON.parse(preferences.rooms.get() || '[]'));
      return stored.filter((one) => one !== null).slice(0, MAX_ROOMS);
    } catch {
      return [];
    }
  },
  /** Puts a room first. */
  add(room: RecentRoom): void {
    store([room, ...this.get().filter((one) => !isSame(one, room))].slice(0, MAX_ROOMS));
  },
  remove(room: RecentRoom): void {
    store(this.get().filter((one) => !isSame(one, room)));
  },
  clear(): void {
    store([]);
  },
};

function store(rooms: readonly RecentRoom[]): void {
  preferences.rooms.set(rooms.length > 0 ? JSON.stringify(rooms) : '');
}

function isSame(one: RecentRoom, other: RecentRoom): boolean {
  return one.kind === other.kind && one.room === other.room;
}
