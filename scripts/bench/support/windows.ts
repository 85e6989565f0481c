/** Evaluates one measurement window of a broadcast on several workers: packets due and received, and CPU. */
import type { Received } from './viewerMessages.ts';

/** Counters at one moment: packets, and microseconds of CPU. */
export interface Reading {
  readonly sent: number;
  readonly received: Received;
  readonly node: number;
  /** By worker, in the order of `placements`. */
  readonly workers: readonly number[];
}

/** The difference of two readings. */
export interface Window {
  readonly due: number;
  readonly received: number;
  readonly node: number;
  readonly workers: readonly { readonly cpu: number; readonly received: number }[];
}

/** The consumers that each worker feeds. */
export type Placements = readonly { readonly worker: number; readonly consumerIds: readonly string[] }[];

/** @param viewers receivers of every packet sent */
export function windowOf(before: Reading, after: Reading, placements: Placements, viewers: number): Window {
  const known = new Map(before.received.map(({ consumerId, distinct }) => [consumerId, distinct]));
  const came = new Map(
    after.received.map(({ consumerId, distinct }) => [consumerId, distinct - (known.get(consumerId) ?? 0)]),
  );
  const sum = (counts: Iterable<number>) => [...counts].reduce((so, count) => so + count, 0);
  return {
    due: (after.sent - before.sent) * viewers,
    received: sum(came.values()),
    node: after.node - before.node,
    workers: placements.map(({ consumerIds }, index) => ({
      cpu: (after.workers[index] ?? 0) - (before.workers[index] ?? 0),
      received: sum(consumerIds.map((id) => came.get(id) ?? 0)),
    })),
  };
}

/** How many of `consumerIds` each worker feeds. */
export function spreadOf(received: Received, placements: Placements): number[] {
  const known = new Set(received.map(({ consumerId }) => consumerId));
  return placements.map(({ consumerIds }) => consumerIds.filter((id) => known.has(id)).length);
}
