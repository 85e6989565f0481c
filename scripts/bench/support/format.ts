/** Formats numbers, outcomes and goals for the generated page and the terminal. */
import type { Figure } from './Benchmark.ts';
import { type Ratio, reached } from './pairs.ts';

/** Rounded to `digits` significant digits; whole numbers are kept. */
export function short(value: number, digits = 3): string {
  return Math.abs(value) >= 1000 ? String(Math.round(value)) : String(Number(value.toPrecision(digits)));
}

/** A ratio, or a bound of its interval: two decimals, or two significant digits where those would be zero. */
export function ratioText(ratio: number): string {
  return ratio < 0.1 ? String(Number(ratio.toPrecision(2))) : ratio.toFixed(2);
}

/** The interval of a ratio. */
export function intervalOf({ low, high }: Ratio): string {
  return `${ratioText(low)} to ${ratioText(high)}`;
}

/** A ratio's goal and its outcome; empty without a goal. */
export function goalOf(ratio: Ratio): string {
  const { goal, better } = ratio;
  if (!goal) return '';
  const words = { yes: 'reached', no: 'missed', unclear: 'within the interval' };
  const outcome = words[reached(ratio) ?? 'unclear'];
  return `${better === 'lower' ? 'at most' : 'at least'} ${ratioText(goal.ratio)} (${goal.why}): ${outcome}`;
}

/** A figure's value, with more digits than a ratio's sides: 99.97 % of packets must not round to all. */
export function figureValueOf({ value }: Figure): string {
  return short(value, 4);
}

/** A figure's goal and its outcome; empty without a goal. */
export function figureGoalOf({ value, goal: { most, least } = {} }: Figure): string {
  const bounds = [
    ...(least === undefined ? [] : [`at least ${short(least, 4)}`]),
    ...(most === undefined ? [] : [`at most ${short(most, 4)}`]),
  ];
  if (bounds.length === 0) return '';
  const isReached = value >= (least ?? Number.NEGATIVE_INFINITY) && value <= (most ?? Number.POSITIVE_INFINITY);
  return `${bounds.join(', ')}: ${isReached ? 'reached' : 'missed'}`;
}
