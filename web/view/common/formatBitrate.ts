/** Formats bitrates. */
import { language } from '../locales/index.ts';

const integerFormat = new Intl.NumberFormat(language);
const decimalFormat = new Intl.NumberFormat(language, { maximumFractionDigits: 1 });

/** `640 kbit/s`, or `1.9 Mbit/s`. */
export function formatBitrate(bitsPerSecond: number): string {
  return bitsPerSecond >= 1_000_000
    ? `${decimalFormat.format(bitsPerSecond / 1_000_000)} Mbit/s`
    : `${integerFormat.format(Math.round(bitsPerSecond / 1000))} kbit/s`;
}
