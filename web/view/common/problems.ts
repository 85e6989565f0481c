/** Owns what is said when something does not work: what happened, then what to do, by browser where that differs. */
import { DeviceError, type DeviceProblem, type LocalMedia, type LocalSource, WeirError } from '../../client/index.ts';
import { translate, type WordKey } from '../locales/index.ts';

function howToAllow(): string {
  const agent = navigator.userAgent;
  if (agent.includes('Firefox/')) return translate('howFirefox');
  if (/Chrom(e|ium)\/|Edg\//.test(agent)) return translate('howChrome');
  if (agent.includes('Safari/')) return translate('howSafari');
  return translate('howOther');
}

const byDevice: Readonly<Record<LocalSource, Partial<Record<DeviceProblem, WordKey>>>> = {
  camera: { denied: 'deniedCamera', missing: 'missingCamera', busy: 'busyCamera' },
  microphone: { denied: 'deniedMicrophone', missing: 'missingMicrophone', busy: 'busyMicrophone' },
};
const byScreen: Readonly<Record<DeviceProblem, WordKey>> = {
  denied: 'screenBlocked',
  cancelled: 'deniedScreen',
  missing: 'screenMissing',
  busy: 'screenUnreadable',
  insecure: 'screenInsecure',
  unsupported: 'screenUnsupported',
  failed: 'screenFailed',
};
const general: Readonly<Record<DeviceProblem, WordKey>> = {
  denied: 'deviceFailed',
  cancelled: 'deviceFailed',
  missing: 'deviceFailed',
  busy: 'deviceFailed',
  insecure: 'insecure',
  unsupported: 'unsupported',
  failed: 'deviceFailed',
};

/** Why a device did not open, in words. */
export function deviceWords(source: LocalSource | 'screen', { problem }: DeviceError): string {
  if (source === 'screen') return translate(byScreen[problem]);
  const words = translate(byDevice[source][problem] ?? general[problem]);
  return problem === 'denied' ? `${words} ${howToAllow()}` : words;
}

/** Why the device that was chosen is not used, and which one is. */
export function refusedWords(source: LocalSource, error: DeviceError, kept: string): string {
  return `${deviceWords(source, error)} ${translate('deviceKept', { device: kept })}`;
}

type DeviceErrors = Readonly<Partial<Record<LocalSource, DeviceError>>>;

/** What keeps camera and microphone from running. */
export function deviceErrors(media: LocalMedia): DeviceErrors {
  const { error: camera } = media.state('camera');
  const { error: microphone } = media.state('microphone');
  return { ...(camera && { camera }), ...(microphone && { microphone }) };
}

/** Why the devices did not open, in as few words as that takes. */
export function devicesWords(errors: DeviceErrors): string | undefined {
  const { camera, microphone } = errors;
  if (camera?.problem === 'denied' && microphone?.problem === 'denied') {
    return `${translate('deniedBoth')} ${howToAllow()}`;
  }
  if (camera && microphone && camera.problem === microphone.problem && !byDevice.camera[camera.problem]) {
    return deviceWords('camera', camera);
  }
  const sentences = [camera && deviceWords('camera', camera), microphone && deviceWords('microphone', microphone)];
  return sentences.filter(Boolean).join(' ') || undefined;
}

/** By the reason of an error, or of a connection's end. */
export const byReason: Readonly<Partial<Record<string, WordKey>>> = {
  missing: 'tokenHint',
  invalid: 'tokenInvalid',
  otherRoom: 'tokenOtherRoom',
  expired: 'tokenExpired',
  removed: 'tokenRemoved',
  draining: 'serverRestarts',
  serverClosing: 'serverRestarts',
  offline: 'offline',
  unreachable: 'unreachable',
  badGateway: 'badGateway',
  badRoom: 'roomInvalid',
  otherServer: 'otherServer',
  webSocketBlocked: 'webSocketBlocked',
  originNotAllowed: 'originNotAllowed',
  protocolVersion: 'protocolVersion',
  protocolError: 'protocolError',
  tooManyConnections: 'tooManyConnections',
  rateLimited: 'rateLimited',
  joinTimeout: 'joinTooSlow',
  sendBufferFull: 'connectionTooSlow',
  unresponsive: 'connectionLost',
  disconnected: 'connectionLost',
  abandoned: 'connectionLost',
  resumed: 'connectionLost',
  mediaLost: 'mediaLost',
  roomClosed: 'roomClosed',
  mediaFailed: 'endedNoMediaText',
  replaced: 'endedReplacedText',
  kicked: 'endedKickedText',
};

/** What is said of a reason; undefined where its code says as much. */
export function reasonWords(reason: string | undefined): string | undefined {
  const key = reason === undefined ? undefined : byReason[reason];
  return key && translate(key, { origin: location.origin });
}

const byCode: Partial<Record<WeirError['code'], WordKey>> = {
  roomFull: 'roomFull',
  busy: 'busyForLong',
  unavailable: 'unavailable',
  timeout: 'noAnswer',
  closed: 'connectionLost',
  sessionExpired: 'connectionLost',
  internal: 'serverFailed',
  unsupported: 'noCommonCodec',
  rateLimited: 'rateLimited',
  forbidden: 'forbidden',
};

/** Anything that was thrown, in words. */
export function problemWords(problem: unknown): string {
  if (problem instanceof WeirError) {
    const words = reasonWords(problem.reason);
    if (words !== undefined) return words;
    if (problem.code === 'unauthorized') return translate('unauthorized', { detail: problem.message });
    return translate(byCode[problem.code] ?? 'failed', { detail: problem.message });
  }
  return translate('failed', { detail: problem instanceof Error ? problem.message : String(problem) });
}

/** A device that did not open in mid-call. */
export interface DeviceProblemReport {
  readonly source: LocalSource | 'screen';
  readonly error: DeviceError;
}

export function isDeviceProblem(problem: unknown): problem is DeviceProblemReport {
  return typeof problem === 'object' && problem !== null && 'error' in problem && problem.error instanceof DeviceError;
}
