/** Tests the way to the server: the round trip of the signalling, and the difference of the clocks. */

import type { ServerTimes } from '../../../client/diagnosis/index.ts';
import type { SignallingKind } from '../../../client/index.ts';
import { errorMessage } from '../../common/errorMessages.ts';
import { translateDiagnose } from '../../locales/diagnose.ts';
import type { Check, CheckResult } from '../Check.ts';
import { problemOf } from './problemOf.ts';

/** Round trips above which a conversation becomes tedious, and above which it does not work, in milliseconds. */
const ROUND_TRIP = { fair: 300, bad: 1500 };
/** How far the clocks may differ, in milliseconds. The server's is known to a second. */
const CLOCK = 5000;

export interface ServerChecks {
  readonly signalling: Check;
  readonly clock: Check;
  /** Whether the live connection to the server works, as far as it is known. */
  reachable(): boolean;
}

/** @param measure is called once for both checks @throws {WeirError} */
export function serverChecks(measure: (signal: AbortSignal) => Promise<ServerTimes>): ServerChecks {
  let measured: Promise<ServerTimes> | undefined;
  let reachable = true;
  const times = (signal: AbortSignal) => {
    measured ??= measure(signal);
    return measured;
  };
  return {
    reachable: () => reachable,
    signalling: {
      name: 'signalling',
      async run(signal) {
        try {
          return signallingResult(await times(signal));
        } catch (error) {
          signal.throwIfAborted();
          reachable = false;
          return { grade: 'bad', text: errorMessage(error), figures: { problem: problemOf(error) } };
        }
      },
    },
    clock: {
      name: 'clock',
      async run(signal) {
        const result = await times(signal).catch(() => undefined);
        signal.throwIfAborted();
        return clockResult(result?.clockOffset);
      },
    },
  };
}

function signallingResult(times: ServerTimes): CheckResult {
  const { kind, others, signallingRoundTripTime, httpRoundTripTime, connectTime } = times;
  const milliseconds = Math.round(signallingRoundTripTime);
  const figures = {
    kind,
    ...Object.fromEntries(others),
    roundTripTime: milliseconds,
    connectTime: Math.round(connectTime),
    ...(httpRoundTripTime !== undefined && { httpRoundTripTime: Math.round(httpRoundTripTime) }),
  };
  const text = translateDiagnose('signallingTime', { milliseconds });
  if (milliseconds > ROUND_TRIP.fair) {
    const grade = milliseconds <= ROUND_TRIP.bad ? 'fair' : 'bad';
    return { grade, text, advice: translateDiagnose('signallingSlowAdvice'), figures };
  }
  if (kind === 'webSocket') return { grade: 'good', text, figures };
  return { grade: 'fair', text, advice: translateDiagnose(adviceOverHttp[kind], reasons(times)), figures };
}

const adviceOverHttp = { sse: 'signallingOverSse', polling: 'signallingOverPolling' } as const;

/** Why kinds of connection are not used, as parameters of a message. */
function reasons({ others }: ServerTimes): { webSocket: string; sse: string } {
  const reason = (kind: SignallingKind) =>
    translateDiagnose(others.get(kind) === 'failed' ? 'attemptFailed' : 'attemptUnanswered');
  return { webSocket: reason('webSocket'), sse: reason('sse') };
}

function clockResult(offset: number | undefined): CheckResult {
  if (offset === undefined) return { grade: 'skipped', text: translateDiagnose('clockUnknown'), figures: {} };
  const seconds = Math.round(offset / 1000);
  const figures = { offsetSeconds: seconds };
  if (Math.abs(offset) <= CLOCK) return { grade: 'good', text: translateDiagnose('clockGood'), figures };
  const text = translateDiagnose(seconds > 0 ? 'clockAhead' : 'clockBehind', { time: duration(Math.abs(seconds)) });
  return { grade: 'fair', text, advice: translateDiagnose('clockAdvice'), figures };
}

/** Such as `40 s`, `5 min` or `3 h`. */
function duration(seconds: number): string {
  if (seconds < 100) return `${seconds} s`;
  return seconds < 6000 ? `${Math.round(seconds / 60)} min` : `${Math.round(seconds / 3600)} h`;
}
