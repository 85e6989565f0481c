/** Messages for errors: what happened, then what to do, by browser where that differs. */
import { DeviceError, type DeviceProblem, type LocalMedia, type LocalSource, WeirError } from '../../client/index.ts';
import { type MessageKey, translate } from '../locales/index.ts';

function howToAllowDevices(): string {
  const agent = navigator.userAgent;
  if (agent.includes('Firefox/')) return translate('allowInFirefox');
  if (/Chrom(e|ium)\/|Edg\//.test(agent)) return translate('allowInChrome');
  if (agent.includes('Safari/')) return translate('allowInSafari');
  return translate('allowInOther');
}

const messageByDevice: Readonly<Record<LocalSource, Partial<Record<DeviceProblem, MessageKey>>>> = {
  camera: { denied: 'cameraDenied', missing: 'cameraMissing', busy: 'cameraBusy' },
  microphone: { denied: 'microphoneDenied', missing: 'microphoneMissing', busy: 'microphoneBusy' },
};
const screenMessages: Readonly<Record<DeviceProblem, MessageKey>> = {
  denied: 'screenBlocked',
  cancelled: 'screenDenied',
  missing: 'screenMissing',
  busy: 'screenUnreadable',
  insecure: 'screenInsecure',
  unsupported: 'screenUnsupported',
  failed: 'screenFailed',
};
const genericMessages: Readonly<Record<DeviceProblem, MessageKey>> = {
  denied: 'deviceFailed',
  cancelled: 'deviceFailed',
  missing: 'deviceFailed',
  busy: 'deviceFailed',
  insecure: 'insecure',
  unsupported: 'unsupported',
  failed: 'deviceFailed',
};

/** Why a device, or the screen, did not open. */
export function deviceErrorMessage(source: LocalSource | 'screen', { problem }: DeviceError): string {
  if (source === 'screen') return translate(screenMessages[problem]);
  const message = translate(messageByDevice[source][problem] ?? genericMessages[problem]);
  return problem === 'denied' ? `${message} ${howToAllowDevices()}` : message;
}

/** Why the chosen device is not used, and which one still is. */
export function deviceRefusedMessage(source: LocalSource, error: DeviceError, kept: string): string {
  return `${deviceErrorMessage(source, error)} ${translate('deviceKept', { device: kept })}`;
}

type DeviceErrors = Readonly<Partial<Record<LocalSource, DeviceError>>>;

/** The errors of camera and microphone. */
export function deviceErrors(media: LocalMedia): DeviceErrors {
  const { error: camera } = media.state('camera');
  const { error: microphone } = media.state('microphone');
  return { ...(camera && { camera }), ...(microphone && { microphone }) };
}

/** Why the devices did not open, in one message; undefined where no device has an error. */
export function deviceErrorsMessage(errors: DeviceErrors): string | undefined {
  const { camera, microphone } = errors;
  if (camera?.problem === 'denied' && microphone?.problem === 'denied') {
    return `${translate('devicesDenied')} ${howToAllowDevices()}`;
  }
  if (camera && microphone && camera.problem === microphone.problem && !messageByDevice.camera[camera.problem]) {
    return deviceErrorMessage('camera', camera);
  }
  const sentences = [
    camera && deviceErrorMessage('camera', camera),
    microphone && deviceErrorMessage('microphone', microphone),
  ];
  return sentences.filter(Boolean).join(' ') || undefined;
}

/** By the reason of an error or of a close. */
export const messageByReason: Readonly<Partial<Record<string, MessageKey>>> = {
  missing: 'tokenHint',
  invalid: 'tokenInvalid',
  otherRoom: 'tokenOtherRoom',
  expired: 'tokenExpired',
  removed: 'tokenRemoved',
  locked: 'roomLocked',
  noTurnServer: 'noTurnServer',
  denied: 'waitDenied',
  notAdmitted: 'waitTooLong',
  waitingRoomFull: 'waitingRoomFull',
  waitingRoom: 'waitingRoomOnly',
  roomEnded: 'roomEnded',
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

/** The message for a reason; undefined where there is none of its own. */
export function reasonMessage(reason: string | undefined): string | undefined {
  const key = reason === undefined ? undefined : messageByReason[reason];
  return key && translate(key, { origin: location.origin });
}

const messageByCode: Partial<Record<WeirError['code'], MessageKey>> = {
  roomFull: 'roomFull',
  busy: 'busyTryLater',
  unavailable: 'unavailable',
  timeout: 'noAnswer',
  closed: 'connectionLost',
  sessionExpired: 'connectionLost',
  internal: 'serverFailed',
  unsupported: 'noCommonCodec',
  rateLimited: 'rateLimited',
  forbidden: 'forbidden',
};

const isUnexpected = (key: MessageKey): boolean => key === 'failed' || key === 'serverFailed';

/** The message for anything that was thrown. */
export function errorMessage(problem: unknown): string {
  if (problem instanceof WeirError) {
    const known = reasonMessage(problem.reason);
    if (known !== undefined) return known;
    const { code, message: detail, requestId: id } = problem;
    if (code === 'unauthorized') return translate('unauthorized', { detail });
    const key = messageByCode[code] ?? 'failed';
    const text = translate(key, { detail });
    // What nobody but the operator can mend is found in the log by the id.
    return id !== undefined && isUnexpected(key) ? translate('withRequest', { message: text, id }) : text;
  }
  return translate('failed', { detail: problem instanceof Error ? problem.message : String(problem) });
}

/** A device, or the screen, that did not open during a call. */
export interface DeviceErrorReport {
  readonly source: LocalSource | 'screen';
  readonly error: DeviceError;
}

export function isDeviceErrorReport(problem: unknown): problem is DeviceErrorReport {
  return typeof problem === 'object' && problem !== null && 'error' in problem && problem.error instanceof DeviceError;
}
