/** What a process of chat members is asked. */
import { z } from 'zod';

/** Names of those who join that broadcast. */
export const ChatFilling = z.object({ url: z.string(), room: z.string(), names: z.array(z.string()) });
/** So many messages in that room, by its members in turn, at an interval in milliseconds. */
export const Writing = z.object({ room: z.string(), count: z.number(), interval: z.number() });
