/**
 * Records the calls and events of one RTCPeerConnection. Its methods are replaced on this one object: neither the global
 * class nor the connections of the application change. Each call goes to the method that the prototype has at that time.
 */
import type { ConnectionRecord } from './ConnectionRecord.ts';

const methods = [
  'addTransceiver',
  'createOffer',
  'createAnswer',
  'setLocalDescription',
  'setRemoteDescription',
  'addIceCandidate',
  'setConfiguration',
  'restartIce',
  'createDataChannel',
  'close',
] as const;

export function observeConnection(connection: RTCPeerConnection, record: ConnectionRecord): void {
  for (const name of methods) observeMethod(connection, name, record);
  const { events } = record;
  const onState = <T extends keyof RTCPeerConnectionEventMap>(event: T, state: () => string) =>
    connection.addEventListener(event, () => events.add(event, state()));
  onState('signalingstatechange', () => connection.signalingState);
  onState('iceconnectionstatechange', () => connection.iceConnectionState);
  onState('icegatheringstatechange', () => connection.iceGatheringState);
  onState('connectionstatechange', () => connection.connectionState);
  onState('negotiationneeded', () => '');
  connection.addEventListener('icecandidate', ({ candidate }) => {
    if (candidate) events.add('icecandidate', describeCandidate(candidate));
  });
  connection.addEventListener('icecandidateerror', ({ url, errorCode, errorText }) => {
    events.add('icecandidateerror', `url: ${url}, errorCode: ${errorCode}, errorText: ${errorText}`);
  });
  connection.addEventListener('track', ({ track, transceiver: { mid } }) => {
    events.add('track', JSON.stringify({ mid, kind: track.kind, id: track.id }));
  });
}

function observeMethod(connection: RTCPeerConnection, name: (typeof methods)[number], record: ConnectionRecord): void {
  const { events } = record;
  const value = (...args: unknown[]): unknown => {
    events.add(name, describeArgument(args[0], args[1]));
    const method: unknown = Reflect.get(Object.getPrototypeOf(connection), name);
    if (typeof method !== 'function') throw new TypeError(`This browser has no RTCPeerConnection.${name}.`);
    let result: unknown;
    try {
      result = Reflect.apply(method, connection, args);
    } catch (error) {
      events.add(`${name}OnFailure`, String(error));
      throw error;
    }
    // There is no event for it.
    if (name === 'close') record.release();
    if (result instanceof Promise) {
      result.then(
        (answer: unknown) => events.add(`${name}OnSuccess`, describeArgument(answer)),
        (error: unknown) => events.add(`${name}OnFailure`, String(error)),
      );
    }
    return result;
  };
  Object.defineProperty(connection, name, { value, configurable: true, writable: true });
}

/** An argument or a result, in the form that chrome://webrtc-internals gave it before Chromium 138. */
function describeArgument(argument: unknown, init?: unknown): string {
  if (argument === undefined || argument === null) return '';
  if (typeof argument !== 'object') return init === undefined ? String(argument) : `${argument}, ${toJson(init)}`;
  if ('kind' in argument && 'id' in argument) return `${argument.kind}, ${argument.id}, ${toJson(init)}`;
  if ('sdp' in argument && 'type' in argument) return `type: ${argument.type}, sdp: ${argument.sdp}`;
  return 'candidate' in argument ? describeCandidate(argument) : toJson(argument);
}

function describeCandidate(candidate: object): string {
  // The fields of an RTCIceCandidate belong to its prototype.
  const [sdpMid, sdpMLineIndex, text] = ['sdpMid', 'sdpMLineIndex', 'candidate'].map((name): unknown =>
    Reflect.get(candidate, name),
  );
  return `sdpMid: ${sdpMid}, sdpMLineIndex: ${sdpMLineIndex}, candidate: ${text}`;
}

/** Without streams, which have nothing to show, and without credentials. */
function toJson(value: unknown): string {
  const hidden = new Set(['streams', 'username', 'credential', 'certificates']);
  // Nothing here may fail the call that it describes.
  try {
    return JSON.stringify(value, (key, entry: unknown) => (hidden.has(key) ? undefined : entry)) ?? '';
  } catch {
    return String(value);
  }
}
