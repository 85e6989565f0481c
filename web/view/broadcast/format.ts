/** Owns numbers and times as the pages of a broadcast write them. */
import { language, type MessageKey, translate } from '../locales/index.ts';

const whole = new Intl.NumberFormat(language);
const short = new Intl.NumberFormat(language, { maximumFractionDigits: 1 });

export function formatCount(number: number): string {
  return whole.format(number);
}

/** A sentence for one, and one for any other number. */
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

/** `640 kbit/s`, or `1.9 Mbit/s`. */
export function formatBitrate(bitsPerSecond: number): string {
  return bitsPerSecond >= 1_000_000
    ? `${short.format(bitsPerSecond / 1_000_000)} Mbit/s`
    : `${whole.format(Math.round(bitsPerSecond / 1000))} kbit/s`;
}

/** `0.3 s behind` */
export function formatLatency(seconds: number): string {
  return translate('latency', { seconds: tenths(seconds) });
}

/** `0.3 s` */
export function formatSeconds(seconds: number): string {
  return `${tenths(seconds)} s`;
}

/** Nothing is behind by nothing. */
function tenths(seconds: number): string {
  return Math.max(0.1, seconds).toFixed(1);
}
