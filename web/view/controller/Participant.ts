/** Owns who is in a call as the views see them: one person instead of a peer, its producers and its tracks. */
import type { RemotePeer } from '../../client/index.ts';

/** Somebody in the call; ourselves too. */
export interface Participant {
  /** Of the person: it stays the same when they come back. */
  readonly id: string;
  /** Of this stay; empty for ourselves. */
  readonly peerId: string;
  readonly name: string;
  readonly isLocal: boolean;
  readonly camera: MediaStreamTrack | undefined;
  readonly microphone: MediaStreamTrack | undefined;
  readonly screen: MediaStreamTrack | undefined;
  readonly screenAudio: MediaStreamTrack | undefined;
  /** The camera is on, though its picture may not have arrived yet. */
  readonly cameraOn: boolean;
  readonly screenOn: boolean;
  /** The codec of what this browser cannot play, such as `H264`. */
  readonly unsupportedCodec: { readonly camera?: string | undefined; readonly screen?: string | undefined };
  readonly muted: boolean;
  readonly handRaised: boolean;
  /** The connection is lost, and may come back. */
  readonly away: boolean;
}

/** The id of a person: no identity, which may be any text, is mistaken for `self` or for somebody's screen. */
export function participantId(identity: string): string {
  return `p:${identity}`;
}

export function toParticipant(peer: RemotePeer): Participant {
  return {
    id: participantId(peer.identity),
    peerId: peer.peerId,
    name: peer.name,
    isLocal: false,
    camera: peer.sources.camera === 'live' ? peer.tracks.get('camera') : undefined,
    microphone: peer.tracks.get('microphone'),
    screen: peer.tracks.get('screen'),
    screenAudio: peer.tracks.get('screenAudio'),
    cameraOn: peer.sources.camera === 'live',
    screenOn: peer.sources.screen !== undefined,
    unsupportedCodec: { camera: codecOf(peer, 'camera'), screen: codecOf(peer, 'screen') },
    muted: peer.sources.microphone !== 'live',
    handRaised: peer.hand,
    away: peer.away,
  };
}

/** `video/H264` is H264 to people. */
function codecOf(peer: RemotePeer, source: 'camera' | 'screen'): string | undefined {
  return peer.unsupportedCodecs.get(source)?.replace(/^video\//, '');
}
