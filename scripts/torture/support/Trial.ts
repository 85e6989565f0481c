/** The interface of a trial: a fault that is injected into a running Weir repeatedly, and its figures. */
import { percentile } from '../../support/statistics/distribution.ts';

export interface Figure {
  readonly name: string;
  readonly value: number;
  readonly unit: string;
  /** Bounds of the value; without either it is only reported. */
  readonly most?: number;
  readonly least?: number;
}

export interface Trial {
  readonly name: string;
  readonly title: string;
  /** The fault, and how its effect is measured. */
  readonly about: string;
  /** Default number of rounds. */
  readonly times: number;
  /** Why it cannot run here, as a sentence. */
  whyNotHere?(): string | undefined;
  run(options: TrialOptions): Promise<readonly Figure[]>;
}

export interface TrialOptions {
  readonly times: number;
  /** Reports progress. */
  report(what: string): void;
}

/** Whether a figure is within its bounds; undefined without bounds. */
export function holds({ value, most, least }: Figure): boolean | undefined {
  if (most === undefined && least === undefined) return undefined;
  return value <= (most ?? Number.POSITIVE_INFINITY) && value >= (least ?? Number.NEGATIVE_INFINITY);
}

/** Median, 95th percentile and maximum of times in milliseconds; the goal applies to the 95th percentile. */
export function timeFigures(
  name: string,
  times: readonly number[],
  goal: { most?: number | undefined } = {},
): Figure[] {
  const figure = (which: string, value: number): Figure => ({ name: `${name}, ${which}`, value, unit: 'ms' });
  if (times.length === 0) return [{ ...figure('p95', Number.POSITIVE_INFINITY), ...goal }];
  return [
    figure('p50', percentile(times, 50)),
    { ...figure('p95', percentile(times, 95)), ...goal },
    figure('worst', Math.max(...times)),
  ];
}
