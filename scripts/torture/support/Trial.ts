/** Owns what a trial is: something that is done to a running Weir again and again, and what was found. */
import { percentile } from '../../support/statistics/distribution.ts';

export interface Figure {
  readonly name: string;
  readonly value: number;
  readonly unit: string;
  /** What it may be at most, and what it must be at least; without either it is only told. */
  readonly most?: number;
  readonly least?: number;
}

export interface Trial {
  readonly name: string;
  readonly title: string;
  /** What is done, and how it is seen. */
  readonly about: string;
  /** How often it is done, unless the command says otherwise. */
  readonly times: number;
  /** Why it cannot run here, in words for people. */
  whyNotHere?(): string | undefined;
  run(options: TrialOptions): Promise<readonly Figure[]>;
}

export interface TrialOptions {
  readonly times: number;
  /** Tells how far it is. */
  say(what: string): void;
}

/** Whether a figure is as it must be; undefined where nothing is asked of it. */
export function holds({ value, most, least }: Figure): boolean | undefined {
  if (most === undefined && least === undefined) return undefined;
  return value <= (most ?? Number.POSITIVE_INFINITY) && value >= (least ?? Number.NEGATIVE_INFINITY);
}

/** Median, 95th percentile and greatest of some times in milliseconds; the goal is for the 95th percentile. */
export function timeFigures(name: string, times: readonly number[], goal: { most?: number } = {}): Figure[] {
  const figure = (which: string, value: number): Figure => ({ name: `${name}, ${which}`, value, unit: 'ms' });
  if (times.length === 0) return [{ ...figure('p95', Number.POSITIVE_INFINITY), ...goal }];
  return [
    figure('p50', percentile(times, 50)),
    { ...figure('p95', percentile(times, 95)), ...goal },
    figure('worst', Math.max(...times)),
  ];
}
