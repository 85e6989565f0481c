/** The series that chrome://webrtc-internals derives from counters, under the names that it gives them. */
import type { StatsValue } from './StatsHistory.ts';

/** Counters whose rate is of interest; those of bytes as bits per second. */
const bytes = ['bytesSent', 'bytesReceived', 'headerBytesSent', 'headerBytesReceived', 'retransmittedBytesSent'];
const counts = [
  'framesSent',
  'framesEncoded',
  'framesReceived',
  'framesDecoded',
  'keyFramesDecoded',
  'concealedSamples',
  'totalSamplesReceived',
];
/** Sums of times in seconds, with the counter that they are divided by; the result is in milliseconds. */
const means = [
  ['totalEncodeTime', 'framesEncoded'],
  ['totalDecodeTime', 'framesDecoded'],
  ['jitterBufferDelay', 'jitterBufferEmittedCount'],
  ['totalPacketSendDelay', 'packetsSent'],
] as const;

/** @param times of the samples, in milliseconds @returns by name, such as `[bytesSent_in_bits/s]` */
export function derivedSeries(
  series: ReadonlyMap<string, readonly StatsValue[]>,
  times: readonly number[],
): Map<string, number[]> {
  const derived = new Map<string, number[]>();
  const counter = (name: string) => series.get(name)?.filter((value) => typeof value === 'number');
  const add = (
    name: string,
    values: readonly number[] | undefined,
    divisors: readonly number[] | undefined,
    factor: number,
  ) => {
    if (!values || !divisors) return;
    const count = Math.min(values.length, divisors.length);
    const [dividends, by] = [values.slice(-count), divisors.slice(-count)];
    derived.set(
      name,
      dividends.map((value, index) => {
        const [increase, divisor] = [value - (dividends[index - 1] ?? value), (by[index] ?? 0) - (by[index - 1] ?? 0)];
        return index > 0 && divisor > 0 ? Math.max(0, (increase / divisor) * factor) : 0;
      }),
    );
  };
  for (const name of bytes) add(`[${name}_in_bits/s]`, counter(name), times, 8000);
  for (const name of counts) add(`[${name}/s]`, counter(name), times, 1000);
  for (const [sum, count] of means) add(`[${sum}/${count}_in_ms]`, counter(sum), counter(count), 1000);
  return derived;
}
