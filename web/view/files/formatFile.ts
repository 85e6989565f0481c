/** Formats sizes, rates and remaining times of files in the language of the page. */
import type { FileTransfer } from '../../client/index.ts';
import { translateFiles } from '../locales/files.ts';
import { language } from '../locales/index.ts';

const units = ['byte', 'kilobyte', 'megabyte', 'gigabyte', 'terabyte'] as const;

/** `1.2 MB`: powers of 1000, as file managers show them. */
export function formatBytes(bytes: number): string {
  const power = Math.min(units.length - 1, Math.floor(Math.log10(Math.max(1, bytes)) / 3));
  return new Intl.NumberFormat(language, {
    style: 'unit',
    unit: units[power] ?? 'byte',
    unitDisplay: power === 0 ? 'long' : 'short',
    maximumFractionDigits: power > 1 ? 1 : 0,
  }).format(bytes / 1000 ** power);
}

/** `40 s`, `3 min`, `2 h`: rounded up, since it is an estimate. */
export function formatTimeLeft(seconds: number): string {
  if (seconds < 60) return translateFiles('filesSeconds', { count: Math.max(1, Math.ceil(seconds)) });
  if (seconds < 3600) return translateFiles('filesMinutes', { count: Math.ceil(seconds / 60) });
  return translateFiles('filesHours', { count: Math.ceil(seconds / 3600) });
}

/** `1.2 MB of 5 MB, 800 kB/s, 5 s left`. */
export function progressText({ transferred, size, rate, secondsLeft }: FileTransfer): string {
  return [
    translateFiles('filesPart', { part: formatBytes(transferred), size: formatBytes(size) }),
    rate > 0 && translateFiles('filesRate', { rate: formatBytes(rate) }),
    secondsLeft !== undefined && translateFiles('filesLeft', { time: formatTimeLeft(secondsLeft) }),
  ]
    .filter(Boolean)
    .join(' · ');
}
