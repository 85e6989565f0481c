/** Owns the words for what a benchmark finds, which the page and the terminal share: numbers, outcomes, goals. */
import type { Figure } from './Benchmark.ts';
import { type Ratio, reached } from './pairs.ts';

/** So many digits that count, or all of a whole number. */
export function short(value: number, digits = 3): string {
  return Math.abs(value) >= 1000 ? String(Math.round(value)) : String(Number(value.toPrecision(digits)));
}

/** A ratio, or an end of its interval: two decimals, and two digits that count where those would say nothing. */
export function ratioText(ratio: number): string {
  return ratio < 0.1 ? String(Number(ratio.toPrecision(2))) : ratio.toFixed(2);
}

/** The interval of a ratio. */
export function intervalOf({ low, high }: Ratio): string {
  return `${ratioText(low)} to ${ratioText(high)}`;
}

/** A ratio's goal and what became of it; empty where there is none. */
export function goalOf(ratio: Ratio): string {
  const { goal, better } = ratio;
  if (!goal) return '';
  const words = { yes: 'reached', no: 'missed', unclear: 'within the interval' };
  const outcome = words[reached(ratio) ?? 'unclear'];
  return `${better === 'lower' ? 'at most' : 'at least'} ${ratioText(goal.ratio)} (${goal.why}): ${outcome}`;
}

/** A figure's value; with more digits than a ratio's sides have, as 99.97 % of packets are not all. */
export function figureValueOf({ value }: Figure): string {
  return short(value, 4);
}

/** A figure's goal and what became of it; empty where there is none. */
export function figureGoalOf({ value, goal: { most, least } = {} }: Figure): string {
  const bounds = [
    ...(least === undefined ? [] : [`at least ${short(least, 4)}`]),
    ...(most === undefined ? [] : [`at most ${short(most, 4)}`]),
  ];
  if (bounds.length === 0) return '';
  const isReached = value >= (least ?? Number.NEGATIVE_INFINITY) && value <= (most ?? Number.POSITIVE_INFINITY);
  return `${bounds.join(', ')}: ${isReached ? 'reached' : 'missed'}`;
}
