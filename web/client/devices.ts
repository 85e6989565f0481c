/** Owns cameras, microphones and screens: opens them, and says in words what keeps them from opening. */
import { detectDevice } from 'mediasoup-client';

/** Why a device did not open. */
export type DeviceProblem = 'denied' | 'cancelled' | 'missing' | 'busy' | 'insecure' | 'unsupported' | 'failed';

const words: Readonly<Record<DeviceProblem, string>> = {
  denied: 'The browser was not allowed to use it. Allow it in the address bar, then try again.',
  cancelled: 'Nothing was chosen, or the system does not let the browser see the screen.',
  missing: 'There is no such device. Plug one in, or go on without it.',
  busy: 'Another program is using it. Close that program, then try again.',
  insecure: 'Browsers give cameras and microphones to HTTPS pages and to localhost only. Open this page over HTTPS.',
  unsupported: 'This browser cannot do that.',
  failed: 'The device did not start.',
};

/** A device that did not open; `problem` is for programs, `message` for people. */
export class DeviceError extends Error {
  override readonly name = 'DeviceError';
  readonly problem: DeviceProblem;

  constructor(problem: DeviceProblem, options?: { cause?: unknown }) {
    super(words[problem], options);
    this.problem = problem;
  }
}

const problems: Readonly<Record<string, DeviceProblem>> = {
  NotAllowedError: 'denied',
  SecurityError: 'denied',
  NotFoundError: 'missing',
  OverconstrainedError: 'missing',
  NotReadableError: 'busy',
  AbortError: 'failed',
};

/**
 * Opens a camera: 720 lines. In Firefox one column of macroblocks less than 1280, so that its encoder does not have to make
 * the picture smaller (see `FIREFOX_HD` in encodings.ts).
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

/** Lets the user choose a screen, window or tab, with its sound where the browser has it. @throws {DeviceError} */
export async function openScreen(): Promise<{ video: MediaStreamTrack; audio: MediaStreamTrack | undefined }> {
  const stream = await opened(() =>
    navigator.mediaDevices.getDisplayMedia({ video: { frameRate: 30 }, audio: true }),
  ).catch((error: unknown) => {
    throw error instanceof DeviceError && error.problem === 'denied'
      ? new DeviceError('cancelled', { cause: error })
      : error;
  });
  const [video] = stream.getVideoTracks();
  if (!video) throw new DeviceError('failed');
  const audio = stream.getAudioTracks()[0];
  // What sounds is mostly a film or a game; what is silent is mostly text. Whoever shares can say otherwise.
  video.contentHint = audio ? 'motion' : 'detail';
  return { video, audio };
}

function exactly(deviceId: string | undefined) {
  return deviceId === undefined ? {} : { deviceId: { exact: deviceId } };
}

async function firstTrack(open: () => Promise<MediaStream>): Promise<MediaStreamTrack> {
  const [track] = (await opened(open)).getTracks();
  // A device that breaks while it opens gives a track that has ended, and says so to nobody.
  if (!track || track.readyState === 'ended') throw new DeviceError('failed');
  return track;
}

async function opened(open: () => Promise<MediaStream>): Promise<MediaStream> {
  if (!isSecureContext) throw new DeviceError('insecure');
  if (!('mediaDevices' in navigator)) throw new DeviceError('unsupported');
  try {
    return await open();
  } catch (cause) {
    const name = cause instanceof DOMException ? cause.name : '';
    throw new DeviceError(cause instanceof TypeError ? 'unsupported' : (problems[name] ?? 'failed'), { cause });
  }
}
