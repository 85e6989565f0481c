/** The interface of a media link with direct connections to peers: `AutoLink` and `P2pLink` implement it. */
import type { Source } from '../../shared/media.ts';
import type { DirectPeers, RoomKind, ServerMessages, Welcome } from '../../shared/protocol.ts';
import type { EventData } from '../../shared/RpcChannel.ts';
import type { MediaLink, ReceivedTrack } from './MediaLink.ts';
import type { Request } from './Signalling.ts';

export interface DirectLink extends MediaLink {
  /** Sets the peers to exchange media with directly. */
  setDirectPeers(direct: DirectPeers): void;
  receiveDirectSignal(signal: EventData<ServerMessages, 'directSignal'>): void;
  /** Whether a peer's track comes directly now. */
  receivesDirectly(peerId: string, source: Source): boolean;
  /** What a peer publishes has changed. */
  peerChanged(): void;
}

export interface DirectLinkOptions {
  /** Our own id. */
  readonly peerId: string;
  readonly kind: RoomKind;
  /** The codecs that the server requests videos to be published with. */
  readonly video: Welcome['video'];
  readonly request: Request;
  readonly iceTransportPolicy?: RTCIceTransportPolicy | undefined;
  /** The tracks that the application has been given already. */
  readonly received: readonly ReceivedTrack[];
  /** Ids of the other peers. */
  peerIds(): readonly string[];
  /** Whether our grants let us send data. */
  maySendData(): boolean;
  /** Whether the server says that a peer publishes this source. */
  isPublished(peerId: string, source: Source): boolean;
  /** Whether media of this source should arrive all the time: the peer is present and has not muted it. */
  isExpected(peerId: string, source: Source): boolean;
}

/** Makes links with direct connections. */
export interface DirectLinks {
  /** @param sfu the link that the session has, which the new one owns from then on */
  createAutoLink(sfu: MediaLink, options: DirectLinkOptions): DirectLink;
  createP2pLink(options: DirectLinkOptions): DirectLink;
}
