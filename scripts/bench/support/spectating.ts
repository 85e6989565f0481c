/** Owns what a benchmark and its processes of spectators say to each other. */
import { z } from 'zod';

const place = { url: z.string(), room: z.string() };

/** What a host sends: 1.58 Mbit/s in one layer, or less in three. */
export const Hosting = z.object({ ...place, camera: z.enum(['steady', 'simulcast']) });
export type Hosting = z.infer<typeof Hosting>;

export const Flow = z.boolean();

/** Those who come while nothing has to be quick. */
export const Filling = z.object({ ...place, names: z.array(z.string()) });

/** Those who come each at a moment of its own: milliseconds since 1970. */
export const JoinBurst = z.object({
  ...place,
  patience: z.number(),
  offers: z.array(z.object({ name: z.string(), at: z.number() })),
});

/** By layer, lowest first. */
export const Sent = z.array(z.object({ packets: z.number(), keyFrameRequests: z.number() }));
export type Sent = z.infer<typeof Sent>;

/** Different packets, by consumer. */
export const Received = z.array(z.object({ consumerId: z.string(), distinct: z.number() }));
export type Received = z.infer<typeof Received>;

export const JoinBurstResult = z.object({
  /** Of those who have seen something, in milliseconds from the moment at which they were to come. */
  times: z.array(z.number()),
  failures: z.array(z.string()),
  srtp: z.string(),
});
export type JoinBurstResult = z.infer<typeof JoinBurstResult>;
