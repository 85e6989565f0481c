/** Tests the microphone: it opens, is not silent, and what it records can be listened to. */
import { DeviceError } from '../../../client/index.ts';
import { deviceErrorMessage } from '../../common/errorMessages.ts';
import { SILENCE } from '../../common/loudness.ts';
import { translateDiagnose } from '../../locales/diagnose.ts';
import { translate } from '../../locales/index.ts';
import type { Check, CheckResult } from '../Check.ts';
import { openedUntil } from './openedUntil.ts';

/** For how long it records, in milliseconds. */
const RECORDED = 3000;

export interface MicrophonePorts {
  /** @throws {DeviceError} */
  open(): Promise<MediaStreamTrack>;
  /**
   * Records so many milliseconds and shows the level meanwhile; the page offers to play what was recorded.
   * @returns the highest level (root mean square), undefined where the browser measures none
   * @throws the reason of the signal
   */
  record(track: MediaStreamTrack, time: number, signal: AbortSignal): Promise<number | undefined>;
}

export function microphoneCheck(ports: MicrophonePorts): Check {
  let figures: CheckResult['figures'] = {};
  return {
    name: 'microphone',
    async run(signal) {
      const closed = new AbortController();
      try {
        const track = await openedUntil(() => ports.open(), closed.signal, signal);
        const level = await ports.record(track, RECORDED, signal);
        figures = level === undefined ? {} : { levelInDecibels: decibels(level) };
        if (level !== undefined && level <= SILENCE.level) {
          return { grade: 'bad', text: translate('microphoneSilent'), figures: { ...figures, problem: 'silent' } };
        }
        const question = translateDiagnose('microphoneQuestion');
        return { grade: 'open', text: translateDiagnose('microphoneRecorded'), question, figures };
      } catch (error) {
        signal.throwIfAborted();
        if (!(error instanceof DeviceError)) throw error;
        return { grade: 'bad', text: deviceErrorMessage('microphone', error), figures: { problem: error.problem } };
      } finally {
        closed.abort();
      }
    },
    answer(yes) {
      if (yes)
        return { grade: 'good', text: translateDiagnose('microphoneHeard'), figures: { ...figures, heard: true } };
      const [text, advice] = [translateDiagnose('microphoneWrong'), translateDiagnose('microphoneWrongAdvice')];
      return { grade: 'bad', text, advice, figures: { ...figures, heard: false } };
    },
  };
}

/** Of full scale, as a whole number. */
function decibels(level: number): number {
  return Math.round(20 * Math.log10(Math.max(level, 1e-5)));
}
