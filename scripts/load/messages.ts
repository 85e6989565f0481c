/** Messages between the processes of a load test. */
import { z } from 'zod';
import type { Histogram } from '../support/statistics/Histogram.ts';
import type { LoadOptions } from './options.ts';
import type { MemberPlan, ScheduledEvent } from './plan.ts';
import type { Packets, SubscriberRow } from './results.ts';

/** The counts of one process in one second. */
export interface Second {
  readonly second: number;
  readonly packets: number;
  readonly bytes: number;
  readonly lost: number;
  readonly latency: ReturnType<Histogram['toJSON']>;
  /** Share of one core that the process used. */
  readonly cpu: number;
  readonly rss: number;
}

/** A track at its publisher; `key` is its peer's id and its source. */
export interface Published {
  readonly key: string;
  readonly room: string;
  readonly publisher: string;
  readonly source: string;
  readonly codec: string;
  readonly sent: number;
  readonly keyFrameRequests: number;
}

/** A track at all subscribers of one process together. */
export interface Received {
  readonly key: string;
  readonly subscribers: number;
  readonly packets: Packets;
  readonly latency: ReturnType<Histogram['toJSON']>;
}

/** Both ends are this program, so payloads need no validation; only the type of a message is checked. */
const known = <T>() => z.custom<T>((value) => value !== undefined);

/** From the coordinator to a load worker. */
export const Order = z.discriminatedUnion('type', [
  z.object({
    type: z.literal('begin'),
    options: known<LoadOptions>(),
    members: known<readonly MemberPlan[]>(),
    /** Milliseconds since 1970. */
    at: z.number(),
  }),
  z.object({ type: z.literal('allIn'), scheduledEvents: known<readonly ScheduledEvent[]>() }),
  z.object({ type: z.literal('end') }),
]);
export type Order = z.infer<typeof Order>;

/** From a load worker to the coordinator. */
export const Report = z.discriminatedUnion('type', [
  z.object({ type: z.literal('ready') }),
  z.object({ type: z.literal('preparing'), what: z.string() }),
  z.object({ type: z.literal('joined'), name: z.string(), again: z.boolean() }),
  z.object({ type: z.literal('failed'), name: z.string(), error: z.string() }),
  z.object({ type: z.literal('lost'), name: z.string(), reason: z.string() }),
  z.object({ type: z.literal('second'), second: known<Second>() }),
  z.object({
    type: z.literal('result'),
    subscribers: known<readonly SubscriberRow[]>(),
    published: known<readonly Published[]>(),
    received: known<readonly Received[]>(),
    undecryptable: z.number(),
    srtp: z.string(),
  }),
]);
export type Report = z.infer<typeof Report>;
