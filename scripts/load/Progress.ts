/** The state of a running load test: who has joined, who failed, and a row per second of what all processes counted. */
import { setTimeout } from 'node:timers/promises';
import { Histogram } from '../support/statistics/Histogram.ts';
import type { Report, Second } from './messages.ts';
import type { TimelineRow } from './results.ts';
import type { Targets } from './targets.ts';

export class Progress {
  readonly joined = new Set<string>();
  readonly failures: Record<string, number> = {};
  readonly failed = new Set<string>();
  readonly timeline: TimelineRow[] = [];
  readonly rss = new Map<number, number>();
  readonly shares = new Map<number, number[]>();
  readonly #seconds = new Map<number, Map<number, Second>>();
  readonly #targets: Targets;
  readonly #processes: number;
  readonly #show: (row: TimelineRow) => void;
  #settled = () => {};

  constructor(targets: Targets, processes: number, show: (row: TimelineRow) => void) {
    this.#targets = targets;
    this.#processes = processes;
    this.#show = show;
  }

  onReport(report: Report, index: number): void {
    if (report.type === 'joined') this.joined.add(report.name);
    else if (report.type === 'failed') this.#fail(report.name, report.error);
    else if (report.type === 'lost') this.#fail(report.name, `thrown out: ${report.reason}`);
    else if (report.type === 'second') this.#take(report.second, index);
    this.#settled();
  }

  /** Resolves when `count` members have joined or failed, or after `timeout` milliseconds. */
  async settled(count: number, timeout: number): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#settled = () => {
      if (new Set([...this.joined, ...this.failed]).size >= count) resolve();
    };
    this.#settled();
    const ending = new AbortController();
    await Promise.race([promise, setTimeout(timeout, undefined, { signal: ending.signal }).catch(() => {})]);
    ending.abort();
  }

  /** @returns how many of them have neither joined nor failed */
  missing(members: readonly { readonly name: string }[]): number {
    return members.filter(({ name }) => !this.joined.has(name) && !this.failed.has(name)).length;
  }

  /** Only the first failure of a member counts; later ones follow from it. */
  #fail(name: string, error: string): void {
    if (this.failed.has(name)) return;
    this.failed.add(name);
    this.failures[error] = (this.failures[error] ?? 0) + 1;
  }

  /** A row of the timeline is complete when every process has reported that second. */
  #take(second: Second, index: number): void {
    this.rss.set(index, second.rss);
    this.shares.set(index, [...(this.shares.get(index) ?? []), second.cpu]);
    const all = this.#seconds.get(second.second) ?? new Map<number, Second>();
    this.#seconds.set(second.second, all.set(index, second));
    if (all.size < this.#processes) return;
    this.#seconds.delete(second.second);
    const parts = [...all.values()];
    const sum = (of: (part: Second) => number) => parts.reduce((total, part) => total + of(part), 0);
    const latency = new Histogram();
    for (const part of parts) latency.merge(Histogram.from(part.latency));
    const { p50, p95 } = latency.distribution();
    const { server, workers } = this.#targets.look();
    const row: TimelineRow = {
      second: second.second,
      joined: this.joined.size,
      failed: this.failed.size,
      packets: sum(({ packets }) => packets),
      bytes: sum(({ bytes }) => bytes),
      lost: sum(({ lost }) => lost),
      latencyP50: p50,
      latencyP95: p95,
      testerCpu: Math.max(...parts.map(({ cpu }) => cpu)),
      serverCpu: server,
      workersCpu: workers,
    };
    this.timeline.push(row);
    this.#show(row);
  }
}
