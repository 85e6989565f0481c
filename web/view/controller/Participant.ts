/** A participant of a call as the views show them: state and tracks, independent of the peer that carries them. */
import type { RemotePeer } from '../../client/index.ts';

/** A local or remote participant. */
export interface Participant {
  /** From the identity: it stays the same over a rejoin. `self` for the local participant. */
  readonly id: string;
  /** Of the current peer; empty for the local participant. */
  readonly peerId: string;
  readonly name: string;
  readonly isLocal: boolean;
  readonly camera: MediaStreamTrack | undefined;
  readonly microphone: MediaStreamTrack | undefined;
  readonly screen: MediaStreamTrack | undefined;
  readonly screenAudio: MediaStreamTrack | undefined;
  /** The camera is published and not muted; its track may not have arrived yet. */
  readonly cameraOn: boolean;
  readonly screenOn: boolean;
  /** The codecs, such as `H264`, of sources that this browser cannot decode. */
  readonly unsupportedCodec: { readonly camera?: string | undefined; readonly screen?: string | undefined };
  readonly muted: boolean;
  readonly handRaised: boolean;
  /** Their signalling connection is lost and may be resumed. */
  readonly away: boolean;
  /** Whether files can be exchanged with them: their grants permit data. */
  readonly canExchangeData: boolean;
}

/** The prefix keeps an identity, which may be any text, apart from `self` and from the keys of screen tiles. */
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
    canExchangeData: peer.canExchangeData,
  };
}

/** Such as `H264` for `video/H264`. */
function codecOf(peer: RemotePeer, source: 'camera' | 'screen'): string | undefined {
  return peer.unsupportedCodecs.get(source)?.replace(/^video\//, '');
}
