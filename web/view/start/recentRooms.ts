/** The rooms that were joined on this device, latest first; stored without tokens. */
import { z } from 'zod';
import type { PageKind } from '../common/address.ts';
import { preferences } from '../storage/preferences.ts';

/** How many rooms are stored. */
const MAX_ROOMS = 8;

const RecentRoom = z.object({
  kind: z.enum(['call', 'broadcast']) satisfies z.ZodType<PageKind>,
  room: z.string().min(1).max(1024),
  /** The role in a broadcast; undefined for viewers. */
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
  /** Puts a room first; removes an older entry of the same room. */
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
