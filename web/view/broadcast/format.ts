/** Formats the numbers and durations of a broadcast. */
import { language, type MessageKey, translate } from '../locales/index.ts';

const integerFormat = new Intl.NumberFormat(language);

export function formatCount(number: number): string {
  return integerFormat.format(number);
}

/** The message for one, or for any other number. */
export function formatPlural(number: number, one: MessageKey, many: MessageKey): string {
  return translate(number === 1 ? one : many, { count: formatCount(number) });
}

/** `4:05`, or `1:02:33` from an hour on. */
export function formatDuration(seconds: number): string {
  const all = Math.max(0, Math.floor(seconds));
  const two = (number: number) => String(number).padStart(2, '0');
  const [hours, minutes] = [Math.floor(all / 3600), Math.floor(all / 60) % 60];
  return hours > 0 ? `${hours}:${two(minutes)}:${two(all % 60)}` : `${minutes}:${two(all % 60)}`;
}

/** `0.3 s behind` */
export function formatLatency(seconds: number): string {
  return translate('latency', { seconds: tenths(seconds) });
}

/** `0.3 s` */
export function formatSeconds(seconds: number): string {
  return `${tenths(seconds)} s`;
}

/** At least 0.1, since the latency is never zero. */
function tenths(seconds: number): string {
  return Math.max(0.1, seconds).toFixed(1);
}
