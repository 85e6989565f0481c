/** Opens cameras, microphones and screens, and describes the errors of that for users. */
import { detectDevice } from 'mediasoup-client';
import { WeirError } from '../../../shared/errors.ts';

/** Why a device did not open. */
export type DeviceProblem = 'denied' | 'cancelled' | 'missing' | 'busy' | 'insecure' | 'unsupported' | 'failed';

/** What is captured: the errors of screens have other causes than those of devices. */
export type CaptureKind = 'device' | 'screen';

const messages: Readonly<Record<CaptureKind, Readonly<Record<DeviceProblem, string>>>> = {
  device: {
    denied: 'The browser was not allowed to use it. Allow it in the address bar, then try again.',
    cancelled: 'Nothing was chosen.',
    missing: 'There is no such device. Plug one in, or go on without it.',
    busy: 'Another program is using it. Close that program, then try again.',
    insecure: 'Browsers give cameras and microphones to HTTPS pages and to localhost only. Open this page over HTTPS.',
    unsupported: 'This browser cannot do that.',
    failed: 'The device did not start.',
  },
  screen: {
    denied:
      'The system, or the page that this one is embedded in, does not let the browser record the screen. Allow it there.',
    cancelled: 'Nothing was chosen.',
    missing: 'There is no screen or window that can be shared.',
    busy: 'The system did not let this screen or window be recorded. Choose another one.',
    insecure: 'Browsers share screens from HTTPS pages and from localhost only. Open this page over HTTPS.',
    unsupported: 'This browser cannot share a screen. Current ones on a computer can.',
    failed: 'Sharing did not start. Share again from a click in the page.',
  },
};

/** A device or screen could not be opened. `problem` is for programs, `message` for users. */
export class DeviceError extends WeirError {
  override readonly name = 'DeviceError';
  readonly problem: DeviceProblem;

  constructor(problem: DeviceProblem, { kind = 'device', cause }: { kind?: CaptureKind; cause?: unknown } = {}) {
    super('device', messages[kind][problem], { cause });
    this.problem = problem;
  }
}

const problems: Readonly<Record<string, DeviceProblem>> = {
  NotAllowedError: 'denied',
  SecurityError: 'denied',
  NotFoundError: 'missing',
  OverconstrainedError: 'missing',
  NotReadableError: 'busy',
  NotSupportedError: 'unsupported',
  AbortError: 'failed',
};

/**
 * Opens a camera with 720 lines. In Firefox it is one column of macroblocks narrower than 1280, so that its encoder need not
 * scale the picture down (see `FIREFOX_HD_MACROBLOCKS` in encodings.ts).
 * @throws {DeviceError}
 */
export function openCamera(deviceId?: string): Promise<MediaStreamTrack> {
  const width = detectDevice() === 'Firefox120' ? 1264 : 1280;
  const video = { width: { ideal: width }, height: { ideal: 720 }, frameRate: { ideal: 30 }, ...exactly(deviceId) };
  return firstTrack(() => navigator.mediaDevices.getUserMedia({ video }));
}

/** Opens a microphone. @throws {DeviceError} */
export function openMicrophone(deviceId?: string): Promise<MediaStreamTrack> {
  const audio = { echoCancellation: true, noiseSuppression: true, autoGainControl: true, ...exactly(deviceId) };
  return firstTrack(() => navigator.mediaDevices.getUserMedia({ audio }));
}

/** The constraints for the sound of a screen. */
const screenSound: MediaTrackConstraints & { restrictOwnAudio: boolean; suppressLocalAudioPlayback: boolean } = {
  // Without it the sound would include the other participants, who would hear themselves.
  restrictOwnAudio: true,
  // A user who shares a film still wants to hear it.
  suppressLocalAudioPlayback: false,
};

/**
 * Lets the user choose a screen, window or tab.
 * @param options.audio whether to request its sound as well, if the browser supports that
 * @throws {DeviceError}
 */
export async function openScreen({ audio: wantsAudio = true }: { audio?: boolean } = {}): Promise<{
  video: MediaStreamTrack;
  audio: MediaStreamTrack | undefined;
}> {
  const audioConstraints = wantsAudio && screenSound;
  const stream = await opened('screen', () =>
    navigator.mediaDevices.getDisplayMedia({ video: { frameRate: 30 }, audio: audioConstraints }),
  );
  const [video] = stream.getVideoTracks();
  if (!video || video.readyState === 'ended') {
    for (const track of stream.getTracks()) track.stop();
    throw new DeviceError('failed', { kind: 'screen' });
  }
  const audio = stream.getAudioTracks()[0];
  return { video, audio };
}

function exactly(deviceId: string | undefined) {
  return deviceId === undefined ? {} : { deviceId: { exact: deviceId } };
}

async function firstTrack(open: () => Promise<MediaStream>): Promise<MediaStreamTrack> {
  const [track] = (await opened('device', open)).getTracks();
  // A device that fails while it opens gives a track that has ended already, without an event.
  if (!track || track.readyState === 'ended') throw new DeviceError('failed');
  return track;
}

async function opened(kind: CaptureKind, open: () => Promise<MediaStream>): Promise<MediaStream> {
  if (!isSecureContext) throw new DeviceError('insecure', { kind });
  if (!('mediaDevices' in navigator)) throw new DeviceError('unsupported', { kind });
  try {
    return await open();
  } catch (cause) {
    throw new DeviceError(problemOf(kind, cause), { kind, cause });
  }
}

function problemOf(kind: CaptureKind, cause: unknown): DeviceProblem {
  if (cause instanceof TypeError) return 'unsupported';
  if (!(cause instanceof DOMException)) return 'failed';
  const problem = problems[cause.name] ?? 'failed';
  if (kind === 'device' || problem !== 'denied') return problem;
  // Cancelling the picker and missing permissions have the same name: only the message tells them apart.
  return /system|policy/i.test(cause.message) ? 'denied' : 'cancelled';
}
