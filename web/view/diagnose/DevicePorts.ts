/** What the checks of camera, microphone and speaker need of the page: a preview, a meter, a recording, a tone. */

import { LevelMeter, wait } from '../../client/diagnosis/index.ts';
import { openCamera, openMicrophone } from '../../client/index.ts';
import { element } from '../common/dom.ts';
import { levelMeter, levelToFraction } from '../common/loudness.ts';
import { RemoteAudio } from '../common/RemoteAudio.ts';
import { translateDiagnose } from '../locales/diagnose.ts';
import { translate } from '../locales/index.ts';
import { preferences } from '../storage/preferences.ts';
import type { CameraPorts } from './checks/camera.ts';
import type { MicrophonePorts } from './checks/microphone.ts';
import type { SpeakerPorts } from './checks/speaker.ts';
import { toneFile } from './tone.ts';

/** How often the level is shown, in milliseconds. */
const LEVEL_INTERVAL = 100;
/** How long a tone may take before the browser counts as having blocked it, in milliseconds. */
const TONE_TIMEOUT = 5000;

/** @param extras where the preview is shown */
export function cameraPorts(extras: HTMLElement): CameraPorts {
  const video = element('video', {
    className: 'camera-preview',
    autoplay: true,
    playsInline: true,
    muted: true,
    ariaLabel: translateDiagnose('preview'),
  });
  return {
    open: () => openCamera(),
    show(track, signal) {
      video.srcObject = new MediaStream([track]);
      extras.replaceChildren(video);
      signal.addEventListener('abort', () => {
        video.srcObject = null;
        video.remove();
      });
    },
    async countFrames(time, signal) {
      await played(video, time, signal);
      let frames = 0;
      const count = () => {
        frames += 1;
        handle = video.requestVideoFrameCallback(count);
      };
      let handle = video.requestVideoFrameCallback(count);
      try {
        await wait(time, signal);
      } finally {
        video.cancelVideoFrameCallback(handle);
      }
      return frames;
    },
  };
}

/**
 * @param extras where level and recording are shown
 * @param closed aborted when the recording is not wanted any more
 * @param onStarted the microphone is open: time to speak
 */
export function microphonePorts(extras: HTMLElement, closed: AbortSignal, onStarted: () => void): MicrophonePorts {
  return {
    open: () => openMicrophone(),
    async record(track, time, signal) {
      const shown = levelMeter(translate('microphoneLevel'));
      extras.replaceChildren(shown);
      onStarted();
      const meter = new LevelMeter();
      meter.listenTo(track);
      let highest: number | undefined;
      const timer = setInterval(() => {
        const { level } = meter;
        shown.value = levelToFraction(level ?? 0);
        if (level !== undefined) highest = Math.max(highest ?? 0, level);
      }, LEVEL_INTERVAL);
      try {
        const recording = await recorded(track, time, signal);
        if (recording) extras.replaceChildren(playback(recording, closed));
        return highest;
      } finally {
        clearInterval(timer);
        meter.close();
        shown.remove();
      }
    },
  };
}

/** @param extras where the speaker is chosen @param closed aborted when it is not wanted any more */
export function speakerPorts(extras: HTMLElement, closed: AbortSignal): SpeakerPorts {
  const audio = element('audio', { src: blobUrl(toneFile(), closed) });
  closed.addEventListener('abort', () => {
    audio.pause();
    extras.replaceChildren();
  });
  const play = async (signal: AbortSignal) => {
    try {
      await audio.play();
    } catch {
      return false;
    }
    const ended = AbortSignal.any([signal, AbortSignal.timeout(TONE_TIMEOUT)]);
    await new Promise<void>((resolve) => {
      audio.addEventListener('ended', () => resolve(), { once: true });
      ended.addEventListener('abort', () => resolve(), { once: true });
    });
    if (signal.aborted) audio.pause();
    signal.throwIfAborted();
    return true;
  };
  return {
    async play(signal) {
      const again = element('button', { type: 'button', className: 'small' }, translateDiagnose('playAgain'));
      again.addEventListener('click', () => {
        audio.currentTime = 0;
        void audio.play().catch(() => {});
      });
      const result = await play(signal);
      const select = await speakerSelect(audio);
      signal.throwIfAborted();
      extras.replaceChildren(...(select ? [select] : []), again);
      return result;
    },
  };
}

/** The outputs to choose from; undefined where there is no choice. */
async function speakerSelect(audio: HTMLAudioElement): Promise<HTMLElement | undefined> {
  if (!RemoteAudio.canSelectSpeaker || !('mediaDevices' in navigator)) return undefined;
  const devices = await navigator.mediaDevices.enumerateDevices().catch(() => []);
  const outputs = devices.filter(({ kind, deviceId }) => kind === 'audiooutput' && deviceId !== '');
  if (outputs.length < 2) return undefined;
  const select = element('select', { ariaLabel: translateDiagnose('chooseSpeaker') });
  for (const { deviceId, label } of outputs) select.append(element('option', { value: deviceId }, label));
  select.addEventListener('change', () => {
    audio.setSinkId(select.value).then(
      () => {
        preferences.speaker.set(select.value);
        audio.currentTime = 0;
        return audio.play();
      },
      () => {},
    );
  });
  return select;
}

/** Records a track; undefined where the browser cannot. @throws the reason of the signal */
async function recorded(track: MediaStreamTrack, time: number, signal: AbortSignal): Promise<Blob | undefined> {
  if (!('MediaRecorder' in globalThis)) {
    await wait(time, signal);
    return undefined;
  }
  const recorder = new MediaRecorder(new MediaStream([track]));
  const parts: Blob[] = [];
  recorder.addEventListener('dataavailable', ({ data }) => parts.push(data));
  const stopped = new Promise<void>((resolve) => {
    recorder.addEventListener('stop', () => resolve(), { once: true });
  });
  recorder.start();
  try {
    await wait(time, signal);
  } finally {
    if (recorder.state !== 'inactive') recorder.stop();
  }
  await stopped;
  return new Blob(parts, { type: recorder.mimeType });
}

function playback(recording: Blob, closed: AbortSignal): HTMLAudioElement {
  const audio = element('audio', {
    className: 'recording',
    controls: true,
    src: blobUrl(recording, closed),
    ariaLabel: translateDiagnose('playRecording'),
  });
  closed.addEventListener('abort', () => audio.remove());
  return audio;
}

/** Resolves with the first picture, or after `time` milliseconds. */
async function played(video: HTMLVideoElement, time: number, signal: AbortSignal): Promise<void> {
  void video.play().catch(() => {});
  const handle = Promise.withResolvers<void>();
  const id = video.requestVideoFrameCallback(() => handle.resolve());
  await Promise.race([handle.promise, wait(time, signal)]).finally(() => video.cancelVideoFrameCallback(id));
}

/** The URL of a blob, until the signal is aborted. */
function blobUrl(blob: Blob, closed: AbortSignal): string {
  const url = URL.createObjectURL(blob);
  closed.addEventListener('abort', () => URL.revokeObjectURL(url));
  return url;
}
