/** Owns how times are written: on air for so long, behind by so much. */
import { say } from '../../words/index.ts';

/** `4:07`, or `1:04:07`. */
export function clock(seconds: number): string {
  const whole = Math.max(0, Math.floor(seconds));
  const two = (number: number) => String(number).padStart(2, '0');
  const [hours, minutes] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60];
  return hours > 0 ? `${hours}:${two(minutes)}:${two(whole % 60)}` : `${minutes}:${two(whole % 60)}`;
}

/** `0.3 s behind` */
export function behindWords(seconds: number): string {
  return say('behind', { seconds: tenths(seconds) });
}

/** `0.3 s` */
export function shortly(seconds: number): string {
  return `${tenths(seconds)} s`;
}

/** Nothing is behind by nothing. */
function tenths(seconds: number): string {
  return Math.max(0.1, seconds).toFixed(1);
}
