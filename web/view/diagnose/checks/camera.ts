/** Tests the camera: it opens, and frames really arrive. */
import { DeviceError } from '../../../client/index.ts';
import { deviceErrorMessage } from '../../common/errorMessages.ts';
import { translateDiagnose } from '../../locales/diagnose.ts';
import type { Check, CheckResult } from '../Check.ts';
import { openedUntil } from './openedUntil.ts';

/** For how long frames are counted, in milliseconds. */
const COUNTED = 2000;
/** Frames per second below which a picture stutters. */
const FEW_FRAMES = 12;

export interface CameraPorts {
  /** @throws {DeviceError} */
  open(): Promise<MediaStreamTrack>;
  /** Shows the picture, until the signal is aborted. */
  show(track: MediaStreamTrack, signal: AbortSignal): void;
  /** How many frames the shown picture gets in so many milliseconds. @throws the reason of the signal */
  countFrames(time: number, signal: AbortSignal): Promise<number>;
}

/** @param closed aborted when the preview ends, and with it the camera */
export function cameraCheck(ports: CameraPorts, closed: AbortSignal): Check {
  return {
    name: 'camera',
    async run(signal) {
      try {
        const track = await openedUntil(() => ports.open(), closed, signal);
        ports.show(track, closed);
        const frames = await ports.countFrames(COUNTED, signal);
        return resultOf(track.getSettings(), (1000 * frames) / COUNTED);
      } catch (error) {
        signal.throwIfAborted();
        if (!(error instanceof DeviceError)) throw error;
        return { grade: 'bad', text: deviceErrorMessage('camera', error), figures: { problem: error.problem } };
      }
    },
  };
}

function resultOf({ width = 0, height = 0 }: MediaTrackSettings, framesPerSecond: number): CheckResult {
  const rate = Math.round(framesPerSecond);
  const figures = { width, height, framesPerSecond: rate };
  if (rate === 0) {
    const [text, advice] = [translateDiagnose('cameraNoFrames'), translateDiagnose('cameraNoFramesAdvice')];
    return { grade: 'bad', text, advice, figures };
  }
  const text = translateDiagnose('cameraFrames', { width, height, rate });
  return rate < FEW_FRAMES
    ? { grade: 'fair', text, advice: translateDiagnose('cameraSlowAdvice'), figures }
    : { grade: 'good', text, figures };
}
