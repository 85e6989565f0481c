/** Merges the counts of all processes into one result. */

import { distributionOf } from '../support/statistics/distribution.ts';
import { Histogram } from '../support/statistics/Histogram.ts';
import type { Result } from './LoadWorkers.ts';
import type { LoadOptions } from './options.ts';
import { judge, parseAssertion } from './report/assertions.ts';
import type { LoadResults, ProcessRow, SubscriberRow, TimelineRow, TrackRow } from './results.ts';
import { addPackets, noPackets } from './tally.ts';

/** Share of one core above which a tester process adds delays of its own, which look like the server's. */
const BUSY = 0.85;

export interface Observed {
  readonly startedAt: Date;
  /** Seconds. */
  readonly duration: number;
  readonly command: string;
  readonly offered: number;
  readonly joined: number;
  readonly failures: Readonly<Record<string, number>>;
  readonly timeline: readonly TimelineRow[];
  readonly processes: readonly ProcessRow[];
  readonly warnings: readonly string[];
}

export function resultsOf(options: LoadOptions, observed: Observed, loadWorkers: readonly Result[]): LoadResults {
  const subscribers = loadWorkers.flatMap((loadWorker) => loadWorker.subscribers);
  const receivers = subscribers.filter(({ error }) => error === undefined);
  const tracks = tracksOf(loadWorkers);
  const latency = new Histogram();
  for (const loadWorker of loadWorkers)
    for (const row of loadWorker.received) latency.merge(Histogram.from(row.latency));
  const measured = (of: (row: SubscriberRow) => number | undefined) =>
    distributionOf(receivers.flatMap((row) => of(row) ?? []));
  const failed = Object.values(observed.failures).reduce((sum, count) => sum + count, 0);
  const results: LoadResults = {
    version: 1,
    startedAt: observed.startedAt.toISOString(),
    duration: observed.duration,
    command: observed.command,
    url: options.url,
    seed: options.seed,
    srtp: loadWorkers.find(({ srtp }) => srtp)?.srtp ?? '',
    members: { offered: observed.offered, joined: observed.joined, failed, failures: observed.failures },
    join: measured(({ join }) => join),
    firstPacket: measured(({ firstPacket }) => firstPacket),
    firstKeyFrame: measured(({ firstKeyFrame }) => firstKeyFrame),
    latency: latency.distribution(),
    jitter: measured(({ jitter, tracks }) => (tracks > 0 ? jitter : undefined)),
    gaps: measured(({ longestGap, tracks }) => (tracks > 0 ? longestGap : undefined)),
    packets: receivers.reduce((sum, row) => addPackets(sum, row.packets), noPackets),
    sent: tracks.reduce((sum, track) => sum + track.sent, 0),
    keyFrameRequests: tracks.reduce((sum, track) => sum + track.keyFrameRequests, 0),
    undecryptable: loadWorkers.reduce((sum, loadWorker) => sum + loadWorker.undecryptable, 0),
    tracks,
    subscribers,
    timeline: observed.timeline,
    processes: observed.processes,
    warnings: [...observed.warnings, ...warningsOf(observed)],
    assertions: [],
  };
  return { ...results, assertions: judge(options.assertions.map(parseAssertion), results) };
}

function tracksOf(loadWorkers: readonly Result[]): TrackRow[] {
  const received = Map.groupBy(
    loadWorkers.flatMap((loadWorker) => loadWorker.received),
    ({ key }) => key,
  );
  return loadWorkers
    .flatMap((loadWorker) => loadWorker.published)
    .map(({ key, ...track }) => {
      const rows = received.get(key) ?? [];
      const latency = new Histogram();
      for (const row of rows) latency.merge(Histogram.from(row.latency));
      return {
        ...track,
        subscribers: rows.reduce((sum, row) => sum + row.subscribers, 0),
        packets: rows.reduce((sum, row) => addPackets(sum, row.packets), noPackets),
        latency: latency.distribution(),
      };
    });
}

function warningsOf({ timeline, processes }: Observed): string[] {
  const warnings: string[] = [];
  const busy = timeline.filter(({ testerCpu }) => testerCpu > BUSY).length;
  if (busy > 0) {
    const share = Math.round((busy / timeline.length) * 100);
    warnings.push(
      `The tester itself was the bottleneck: a process of it used more than ${BUSY * 100} % of its core in ${share} % of the time. Latency, jitter and loss are partly its own; use more --processes, or another machine.`,
    );
  }
  if (!processes.some(({ role }) => role === 'server')) {
    warnings.push('The server runs elsewhere or could not be looked at: its CPU and memory are not known.');
  }
  return warnings;
}
