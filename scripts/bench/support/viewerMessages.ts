/** Messages between a benchmark and its viewer processes. */
import { z } from 'zod';

const where = { url: z.string(), room: z.string() };

/** The host's camera: 1.58 Mbit/s in one layer, or less in three. */
export const Hosting = z.object({ ...where, camera: z.enum(['steady', 'simulcast']) });
export type Hosting = z.infer<typeof Hosting>;

export const Flow = z.boolean();

/** Viewers that join without timing. */
export const Filling = z.object({ ...where, names: z.array(z.string()) });

/** Viewers that each join at a given moment: milliseconds since 1970. */
export const JoinBurst = z.object({
  ...where,
  timeout: z.number(),
  offers: z.array(z.object({ name: z.string(), at: z.number() })),
});

/** By layer, lowest first. */
export const Sent = z.array(z.object({ packets: z.number(), keyFrameRequests: z.number() }));
export type Sent = z.infer<typeof Sent>;

/** Distinct packets, by consumer. */
export const Received = z.array(z.object({ consumerId: z.string(), distinct: z.number() }));
export type Received = z.infer<typeof Received>;

export const JoinBurstResult = z.object({
  /**
   * Milliseconds from the moment at which each viewer was due to its first frame; viewers without a frame are left out.
   */
  times: z.array(z.number()),
  failures: z.array(z.string()),
  srtp: z.string(),
});
export type JoinBurstResult = z.infer<typeof JoinBurstResult>;
