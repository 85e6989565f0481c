/** What administrators of a room see and decide, in the protocol: who waits to be let in, and how the room is closed to others. */
import { z } from 'zod';
import { Id } from './participants.ts';
import { RoomSettings } from './roomSettings.ts';

/** How many may wait for one room. */
export const MAX_WAITING = 100;

/** Those who wait to be let into a room, for its administrators. */
export const WaitingPeers = z
  .object({
    total: z.int(),
    first: z
      .array(
        z.object({
          id: Id.describe('for `admit` and `deny`'),
          identity: Id,
          name: z.string(),
          seconds: z.number().describe('how long they have waited'),
        }),
      )
      .describe('whoever came first comes first'),
  })
  .meta({ id: 'WaitingPeers' });
export type WaitingPeers = z.infer<typeof WaitingPeers>;

/** How a room is closed to others: the part of its settings that those inside see. */
export const RoomAccess = RoomSettings.pick({ locked: true, waitingRoom: true }).meta({ id: 'RoomAccess' });
export type RoomAccess = Readonly<z.infer<typeof RoomAccess>>;
