/** Audio levels: their display, and the limit of silence. */
import { element } from './dom.ts';

/** A level (root mean square) this low for this long (milliseconds) means that the microphone is off, or the wrong one. */
export const SILENCE = { level: 0.001, after: 5000 };

/** The fraction of a meter to fill at a level (root mean square), on a scale of decibels: 0 at -60 dB, 1 at 0 dB. */
export function levelToFraction(level: number): number {
  return level > 0 ? Math.max(0, 1 + Math.log10(level) / 3) : 0;
}

/** A meter for `levelToFraction`. @param label read by screen readers */
export function levelMeter(label: string): HTMLMeterElement {
  return element('meter', { className: 'level-meter', min: 0, max: 1, value: 0, ariaLabel: label });
}
