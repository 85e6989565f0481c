/** Owns what a RoomClient tells, and in which words: its events, and the others as an application sees them. */
import type { CloseReason } from '../../shared/closeReasons.ts';
import type { Source } from '../../shared/media.ts';
import type { BroadcastInfo, Grants, RaisedHands, Reaction, SourceStates } from '../../shared/protocol.ts';

/** Somebody else in the room. */
export interface RemotePeer {
  readonly peerId: string;
  readonly identity: string;
  readonly name: string;
  readonly metadata?: string | undefined;
  /** What they publish: `live` or `paused` (muted); what is missing is off. */
  readonly sources: SourceStates;
  /** Whether they have raised a hand. */
  readonly hand: boolean;
  /** Whether they have lost their connection, and may come back. */
  readonly away: boolean;
  /** What of it has arrived here. */
  readonly tracks: ReadonlyMap<Source, MediaStreamTrack>;
  /** What of it this browser has no decoder for, with its MIME type such as `video/H264`. */
  readonly unsupportedCodecs: ReadonlyMap<Source, string>;
}

export type RoomClientState = 'idle' | 'joining' | 'joined' | 'closed';

/** How media is connected. */
export type MediaConnectionState = 'connecting' | 'connected' | 'lost';

export interface RoomClientEvents {
  stateChanged: RoomClientState;
  peerJoined: RemotePeer;
  peerLeft: { peer: RemotePeer; reason: string };
  /** A peer turned a source on or off, muted or unmuted it, or it is one that this browser cannot decode. */
  peerChanged: RemotePeer;
  trackAdded: { peer: RemotePeer; source: Source; track: MediaStreamTrack };
  trackRemoved: { peer: RemotePeer; source: Source };
  /** In a large room voices come by slots: this is the sound of one, whoever is heard in it. */
  audioSlotTrackAdded: { slot: number; track: MediaStreamTrack };
  audioSlotTrackRemoved: { slot: number; track: MediaStreamTrack };
  /** Whose voice each slot carries: peer ids, `null` where it is nobody's. */
  audioSlotsChanged: readonly (string | null)[];
  handChanged: RemotePeer;
  /** A peer lost its connection for a while, or is back. */
  awayChanged: RemotePeer;
  reaction: { peer: RemotePeer; reaction: Reaction };
  /** Our connection to the server was cut, or is there again; meanwhile media flows on. */
  reconnectingChanged: boolean;
  /** What we may do has changed; what we may no longer publish has ended. */
  grantsChanged: Grants;
  /** A broadcast went live or ended, or another number of people watch it. */
  broadcastChanged: BroadcastInfo;
  /** Which viewers of a broadcast want to speak; administrators hear of it. */
  handsChanged: RaisedHands;
  /** Somebody asks us onto the stage: see `broadcast.answer`. */
  invited: { by: string };
  /** A viewer whom an administrator asked onto the stage has answered. */
  inviteAnswered: { peerId: string; name: string; accepted: boolean };
  /** The server will end in so many seconds, and lets nobody in any more. */
  draining: { seconds: number };
  /** The media connected, or lost its way. */
  mediaConnectionStateChanged: MediaConnectionState;
  /** The server has sent a fresh token, see `RoomClient.token`. */
  tokenRefreshed: string;
  /** What we publish has changed. */
  localSourcesChanged: SourceStates;
  /** A stay that had begun has ended; `message` can be shown to people. */
  closed: { reason: CloseReason; message: string };
}

/** Notifies of an event of the client. */
export type Notify = <E extends keyof RoomClientEvents>(event: E, data: RoomClientEvents[E]) => void;
