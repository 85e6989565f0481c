/** The events of RoomClient, and the types of their data. */
import type { CloseReason } from '../../shared/closeReasons.ts';
import type { WeirError } from '../../shared/errors.ts';
import type { Source } from '../../shared/media.ts';
import type {
  BroadcastInfo,
  ChatPeer,
  ChatState,
  Grants,
  RaisedHands,
  Reaction,
  RoomAccess,
  SourceStates,
  VideoProblem,
  WaitingPeers,
} from '../../shared/protocol.ts';
import type { FileEvents } from './files/transfers.ts';
import type { ConnectionQuality } from './quality/judge.ts';

/** Another peer in the room. */
export interface RemotePeer {
  readonly peerId: string;
  readonly identity: string;
  readonly name: string;
  readonly metadata?: string | undefined;
  /** What it publishes: `live` or `paused` (muted); a source that is missing is off. */
  readonly sources: SourceStates;
  /** Whether its hand is raised. */
  readonly hand: boolean;
  /** Whether its signalling connection is lost; it may reconnect. */
  readonly away: boolean;
  /** Whether its grants permit sending and receiving data: files can be exchanged with those alone for whom it is so. */
  readonly canExchangeData: boolean;
  /** What is wrong with a video that it publishes: B-frames, for example, are shown out of order by browsers. */
  readonly videoProblem?: VideoProblem | undefined;
  /** The tracks that are received. */
  readonly tracks: ReadonlyMap<Source, MediaStreamTrack>;
  /** Published sources that this browser cannot decode, with the MIME type of the codec, such as `video/H264`. */
  readonly unsupportedCodecs: ReadonlyMap<Source, string>;
}

/** A message of the chat. Each change makes another object, with the same `id`. */
export interface ChatMessage {
  readonly id: string;
  /** When it was sent: milliseconds since the epoch, by the server's clock; by ours until it has been sent. */
  readonly at: number;
  readonly from: ChatPeer;
  /** Of a private message, which only these two see. */
  readonly to?: ChatPeer | undefined;
  /** Without markup. Empty once it has been deleted. */
  readonly text: string;
  readonly edited: boolean;
  readonly deleted: boolean;
  /** Whether we have written it, in this session or an earlier one of the same identity. */
  readonly own: boolean;
  /** `pending` until the server has our message; `failed` if it has refused it, see `error`. */
  readonly state: 'sent' | 'pending' | 'failed';
  readonly error?: WeirError | undefined;
}

export type RoomClientState = 'idle' | 'joining' | 'joined' | 'closed';

/** The state of the media connection; `lost` if it may come back. */
export type MediaConnectionState = 'connecting' | 'connected' | 'lost';

/** What has been done to us, and by whom. */
export type Moderated =
  | { readonly action: 'muted' | 'stopped'; readonly source: Source; readonly by?: string | undefined }
  | { readonly action: 'grantsChanged'; readonly before: Grants; readonly grants: Grants; readonly by: string };

export interface RoomClientEvents extends FileEvents {
  stateChanged: RoomClientState;
  peerJoined: RemotePeer;
  peerLeft: { peer: RemotePeer; reason: string };
  /** The `sources`, the `unsupportedCodecs`, `canExchangeData` or the `videoProblem` of a peer have changed. */
  peerChanged: RemotePeer;
  trackAdded: { peer: RemotePeer; source: Source; track: MediaStreamTrack };
  trackRemoved: { peer: RemotePeer; source: Source };
  /** In a large room, microphones are received by audio slots: this is the track of one, whichever peer holds it. */
  audioSlotTrackAdded: { slot: number; track: MediaStreamTrack };
  audioSlotTrackRemoved: { slot: number; track: MediaStreamTrack };
  /** The peer ids of those who hold the audio slots, `null` for a free slot. */
  audioSlotsChanged: readonly (string | null)[];
  /** A data message for us. `peer` is undefined if its sender is hidden, or has left meanwhile. */
  dataReceived: { peer: RemotePeer | undefined; data: Uint8Array; topic: string; reliable: boolean };
  /** Data messages from or for us are lost: we send too much, receive too slowly, or their connection was lost. */
  dataFailed: WeirError;
  handChanged: RemotePeer;
  /** A peer has lost its signalling connection, or has it again. */
  awayChanged: RemotePeer;
  reaction: { peer: RemotePeer; reaction: Reaction };
  /**
   * A message of the chat has come, or we have begun to send one. `isHistory`: it was written before we joined. It is not
   * always the last one of `chat.messages`.
   */
  chatMessage: { message: ChatMessage; isHistory: boolean };
  /** A message of the chat was edited or deleted, or the `state` of one that we send has changed. */
  chatChanged: ChatMessage;
  /** What we may do in the chat has changed. */
  chatStateChanged: ChatState;
  /** Our signalling connection is lost (true), or there again (false). Media flows on meanwhile. */
  reconnectingChanged: boolean;
  /** We wait until an administrator lets us in, and `join` resolves; `attended`: one is there. Sent again when that changes. */
  waiting: { attended: boolean };
  /** Who waits to be let in has changed; sent to administrators only. */
  waitingChanged: WaitingPeers;
  /** The room was locked or opened, or its waiting room. */
  roomAccessChanged: RoomAccess;
  /**
   * An administrator has muted or stopped a source of ours, or changed our grants. `by` is a name, missing where it was not done in
   * the room. What was muted may be unmuted, and what was stopped published again, by us alone.
   */
  moderated: Moderated;
  /** Our grants have changed. What they no longer allow has ended. */
  grantsChanged: Grants;
  /** A broadcast has gone live or ended, or its profile or its number of viewers has changed. */
  broadcastChanged: BroadcastInfo;
  /** The raised hands of viewers of a broadcast have changed; sent to administrators only. */
  handsChanged: RaisedHands;
  /** An administrator invites us onto the stage: see `broadcast.answerInvite`. */
  invited: { by: string };
  /** A viewer has answered an invitation onto the stage. */
  inviteAnswered: { peerId: string; name: string; accepted: boolean };
  /** The server shuts down within this many seconds, and refuses new joins. */
  draining: { seconds: number };
  /**
   * How good a connection is has changed, after some seconds of being otherwise: of a peer whom we receive, or, without
   * `peer`, of what we send. See `RoomClient.connectionQuality`.
   */
  connectionQualityChanged: { peer: RemotePeer | undefined; quality: ConnectionQuality };
  /** Media has connected, or its connection is lost. */
  mediaConnectionStateChanged: MediaConnectionState;
  /** The server has refreshed our token: see `RoomClient.token`. */
  tokenRefreshed: string;
  /** What we publish, or its mute state, has changed. */
  localSourcesChanged: SourceStates;
  /** The session has ended after a join. `message` is a text for users, and `by` the administrator who has ended it. */
  closed: { reason: CloseReason; message: string; by?: string | undefined };
}

/** Notifies of an event of the client. */
export type Notify = <E extends keyof RoomClientEvents>(event: E, data: RoomClientEvents[E]) => void;
