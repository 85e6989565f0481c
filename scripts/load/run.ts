/** Runs a load test, from its plan to its results. */
import { setTimeout } from 'node:timers/promises';
import { now } from '../support/endpoint/clock.ts';
import { prepareMaterial } from '../support/media/material.ts';
import { resultsOf } from './compile.ts';
import { LoadWorkers } from './LoadWorkers.ts';
import type { LoadOptions } from './options.ts';
import { Progress } from './Progress.ts';
import { createPlan } from './plan.ts';
import type { LoadResults, TimelineRow } from './results.ts';
import { Targets } from './targets.ts';

/** Milliseconds: lead time before the first join, and timeout of the slowest join. */
const START = 300;
const JOIN_TIMEOUT = 30_000;

export interface LoadHooks {
  /** The command line that repeats the test. */
  readonly command?: string;
  /** Ends the test early, with the results so far. */
  readonly interrupted?: AbortSignal;
  /** Called every second. */
  show?(row: TimelineRow): void;
  /** Reports a slow step of the preparation. */
  prepare?(what: string): void;
}

/** Runs a load test. Failures of members are part of the results; it throws when the tester itself fails. */
export async function load(
  options: LoadOptions,
  { command = '', interrupted = new AbortController().signal, show = () => {}, prepare = () => {} }: LoadHooks = {},
): Promise<LoadResults> {
  const plan = createPlan(options);
  const targets = Targets.find(options.url);
  const progress = new Progress(targets, options.processes, show);
  // Encode the media here first, so that the worker processes find it in the cache.
  if (options.publishers > 0) await prepareMaterial(options, prepare);
  await using loadWorkers = await LoadWorkers.start(options.processes, (report, index) =>
    progress.onReport(report, index),
  );
  const startedAt = new Date();
  const begin = now() + START;
  loadWorkers.send((index) => ({
    type: 'begin',
    options,
    members: plan.members.filter((member) => member.process === index),
    at: begin,
  }));
  await Promise.race([progress.settled(plan.members.length, START + plan.joined + JOIN_TIMEOUT), aborted(interrupted)]);
  loadWorkers.send(() => ({ type: 'allIn', scheduledEvents: plan.scheduledEvents }));
  await setTimeout(options.duration * 1000, undefined, { signal: interrupted }).catch(() => {});
  const tester = loadWorkers.pids.map((pid, index) => {
    const shares = progress.shares.get(index) ?? [0];
    return {
      role: 'tester' as const,
      pid,
      cpu: shares.reduce((sum, share) => sum + share, 0) / shares.length,
      cpuMost: Math.max(...shares),
      rss: progress.rss.get(index) ?? 0,
    };
  });
  const processes = [...targets.rows(), ...tester];
  const results = await loadWorkers.end();
  const lost = options.processes - results.length;
  const late = interrupted.aborted ? 0 : progress.missing(plan.members);
  return resultsOf(
    options,
    {
      startedAt,
      duration: (now() - begin) / 1000,
      command,
      offered: plan.members.length,
      joined: progress.joined.size,
      failures: { ...progress.failures, ...(late > 0 && { 'was not in before the end': late }) },
      timeline: progress.timeline,
      processes,
      warnings: lost > 0 ? [`${lost} of the tester's processes ended too early: what they counted is missing.`] : [],
    },
    results,
  );
}

async function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return;
  await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
}
