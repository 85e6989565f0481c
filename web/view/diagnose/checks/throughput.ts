/** Tests how much gets through in each direction, and what is lost on the way. */
import type { DirectionStats, ThroughputResult } from '../../../client/diagnosis/index.ts';
import { errorMessage } from '../../common/errorMessages.ts';
import { translateDiagnose } from '../../locales/diagnose.ts';
import type { Check, CheckResult, Grade } from '../Check.ts';
import { problemOf } from './problemOf.ts';

/** What a call needs, in bit/s: for good video, and for any. */
export const BITRATES = { good: 1_500_000, fair: 300_000 };
/** Shares of lost packets that are repaired without a trace, and that leave video unusable. */
const LOSS = { good: 0.02, fair: 0.1 };

export interface ThroughputPorts {
  /** @returns undefined where no media gets through @throws {WeirError} */
  measure(signal: AbortSignal): Promise<ThroughputResult | undefined>;
  /** Whether any path for media works, as far as it is known. */
  reachable(): boolean;
}

export function throughputCheck({ measure, reachable }: ThroughputPorts): Check {
  return {
    name: 'throughput',
    async run(signal) {
      if (!reachable()) return { grade: 'skipped', text: translateDiagnose('needsMedia'), figures: {} };
      try {
        return resultOf(await measure(signal));
      } catch (error) {
        signal.throwIfAborted();
        return { grade: 'skipped', text: errorMessage(error), figures: { problem: problemOf(error) } };
      }
    },
  };
}

function resultOf(result: ThroughputResult | undefined): CheckResult {
  if (!result) return { grade: 'bad', text: translateDiagnose('throughputNothing'), figures: { problem: 'noMedia' } };
  const { up, down, roundTripTime, protocol } = result;
  const grades = [up, down].flatMap((direction) => gradesOf(direction));
  const grade = (['bad', 'fair', 'good'] as const).find((one) => grades.includes(one)) ?? 'good';
  const text = [
    translateDiagnose(up.lowerBound ? 'upAtLeast' : 'up', shown(up)),
    translateDiagnose(down.lowerBound ? 'downAtLeast' : 'down', shown(down)),
  ].join('\n');
  const figures = {
    ...figuresOf('up', up),
    ...figuresOf('down', down),
    ...(roundTripTime !== undefined && { roundTripTime: Math.round(roundTripTime) }),
    ...(protocol && { protocol }),
  };
  if (grade === 'good') return { grade, text, figures };
  const isNarrow = [up, down].some((direction) => rateGrade(direction) !== 'good');
  return { grade, text, advice: translateDiagnose(isNarrow ? 'narrowAdvice' : 'lossAdvice'), figures };
}

function gradesOf(direction: DirectionStats): Grade[] {
  const { packetLoss } = direction;
  return [rateGrade(direction), packetLoss <= LOSS.good ? 'good' : packetLoss <= LOSS.fair ? 'fair' : 'bad'];
}

function rateGrade({ bitrate, lowerBound }: DirectionStats): Grade {
  if (lowerBound || bitrate >= BITRATES.good) return 'good';
  return bitrate >= BITRATES.fair ? 'fair' : 'bad';
}

/** A bitrate in Mbit/s, as people read it. */
export function megabits(bitrate: number): string {
  return (bitrate / 1_000_000).toFixed(bitrate < 950_000 ? 2 : 1);
}

function shown({ bitrate, packetLoss, jitter = 0 }: DirectionStats) {
  const loss = 100 * packetLoss;
  return { rate: megabits(bitrate), loss: loss.toFixed(loss > 0 && loss < 10 ? 1 : 0), jitter: Math.round(jitter) };
}

function figuresOf(name: 'up' | 'down', { bitrate, packetLoss, jitter, lowerBound }: DirectionStats) {
  return {
    [`${name}Bitrate`]: Math.round(bitrate / 1000) * 1000,
    [`${name}PacketLoss`]: Math.round(packetLoss * 1000) / 1000,
    [`${name}LowerBound`]: lowerBound,
    ...(jitter !== undefined && { [`${name}Jitter`]: Math.round(jitter) }),
  };
}
