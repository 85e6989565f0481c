/** The interface of what carries the media of one session: `SfuLink` implements it, and tests replace it. */
import type { DataChannelLabel } from '../../shared/dataFrame.ts';
import type { WeirError } from '../../shared/errors.ts';
import type { RtpCapabilities, Source } from '../../shared/media.ts';
import type {
  ConsumerInfo,
  Grants,
  JoinReply,
  ResumeReply,
  ServerEvents,
  TrackSettings,
  Welcome,
} from '../../shared/protocol.ts';
import type { ConnectionStats } from './connectionStats.ts';
import type { Emitter } from './Emitter.ts';
import type { MediaConnectionState } from './events.ts';
import type { QualityReports } from './quality/QualitySample.ts';
import type { Signalling } from './Signalling.ts';
import type { TrackStats } from './stats.ts';

export type VideoCodec = Welcome['video']['camera'];

export type VideoSource = TrackSettings['source'];

/** How large a video is shown, in device pixels, and whether it is more important than others. */
export interface VideoSettings {
  readonly width: number;
  readonly height: number;
  readonly priority?: 'normal' | 'high' | undefined;
  /** Requests the highest, a middle or the lowest quality, whatever the size. */
  readonly quality?: TrackSettings['quality'];
}

export interface PublishOptions {
  /** Whether to start muted. Without it, a track that is disabled (`enabled` is false) is published muted. */
  readonly muted?: boolean;
  /** The codec of a video instead of the one that the server asks for. A browser without it uses another one. */
  readonly codec?: VideoCodec;
}

/** A track that arrives: of one peer, or of an audio slot, which carries several peers in turn. */
export interface ReceivedTrack {
  readonly peerId?: string | undefined;
  readonly slot?: number | undefined;
  readonly source: Source;
  readonly track: MediaStreamTrack;
}

/** A track that is sent. */
export interface PublishedTrack {
  readonly track: MediaStreamTrack;
  readonly muted: boolean;
}

export interface SendDataOptions {
  /** Whether the message arrives in order and once; true without it. */
  readonly reliable?: boolean;
  /** Tells apart what messages are for; at most 64 characters. */
  readonly topic?: string;
  /** The ids of the peers that it is for, at most 100; everyone without it. */
  readonly to?: readonly string[];
}

/** A message to be sent on a data channel. */
export interface OutgoingData {
  readonly channel: DataChannelLabel;
  /** At most `MAX_DATA_BYTES`; it must not change until `sendData` has resolved. */
  readonly data: Uint8Array;
  /** Tells apart what the message is for; at most `MAX_TOPIC` characters. */
  readonly topic: string;
  /** Peer ids, at most `MAX_DESTINATIONS`; everyone without it. Those who are not there do not get it. */
  readonly to?: readonly string[] | undefined;
}

/** A message that has arrived on a data channel. */
export interface ReceivedData {
  /** Who has sent it; undefined for a hidden peer. */
  readonly peerId: string | undefined;
  readonly channel: DataChannelLabel;
  readonly topic: string;
  /** A copy: `data.buffer` holds nothing else. */
  readonly data: Uint8Array;
}

/** A way from the browser to the server: directly, or through a TURN server that is reached over UDP, TCP or TLS. */
export type TriedPath = 'udp' | 'tcp' | 'turn-udp' | 'turn-tcp' | 'turn-tls';

export interface MediaLinkEvents {
  trackAdded: ReceivedTrack;
  trackRemoved: ReceivedTrack;
  /** A source is no longer published although nobody called `unpublish`: its track ended, or the right to publish it did. */
  localTrackEnded: Source;
  connectionStateChanged: MediaConnectionState;
  /** Packets that should arrive have stopped, long before the browser reports the connection as lost. */
  silence: undefined;
  dataReceived: ReceivedData;
  /** Data messages from or for us are lost, and why. */
  dataFailed: WeirError;
  /** The link cannot carry media any more: a transport never connected, was refused, or could not be restored. */
  failed: undefined;
}

/** The part of a resume reply that says which transports and sources of ours the server has. */
export type ServerMediaState = Pick<ResumeReply, 'transports' | 'sources'>;

export interface MediaLink extends Pick<Emitter<MediaLinkEvents>, 'on'> {
  readonly connectionState: MediaConnectionState;
  /** Whether media has ever connected. */
  readonly wasConnected: boolean;
  /** The ways to the server that were tried, in order of preference. */
  readonly triedPaths: readonly TriedPath[];

  /**
   * Publishes a track. Media flows while the reply is still on its way. A track that is unpublished meanwhile is no error.
   * @throws {WeirError} the server's refusal, `badRequest`, `conflict`, `forbidden`, `unsupported`, `closed`
   */
  publish(source: Source, track: MediaStreamTrack, options: PublishOptions): Promise<void>;
  /** Stops publishing; does nothing if the source is off. */
  unpublish(source: Source): Promise<void>;
  /** @throws {WeirError} `notFound` if the source is off, `badRequest`, `unsupported`, `closed`; the former track stays */
  replaceTrack(source: Source, track: MediaStreamTrack): Promise<void>;
  /** @throws {WeirError} `notFound` if the source is off; a refusal leaves the source muted */
  setMuted(source: Source, muted: boolean): Promise<void>;
  /** The server has muted a source, for an administrator. @returns whether it was unmuted here */
  mutedByServer(source: Source): boolean;
  /** The server has stopped what we publish by that producer, for an administrator. @returns whether we still published it */
  stoppedByServer(source: Source, producerId: string): boolean;
  /** What is published as `source`, once the browser sends it. */
  publishedTrack(source: Source): PublishedTrack | undefined;
  /** Limits what is sent of a video to the highest layer that somebody receives, -1 for none. */
  setSubscribedLayer(limit: ResumeReply['subscribedLayers'][number]): void;

  /** Receives these consumers, all of them in one negotiation; those that come before there is a transport wait for it. */
  consume(consumers: readonly ConsumerInfo[]): Promise<void>;
  /** The server has closed these consumers. */
  closeConsumers(consumerIds: readonly string[]): void;
  /** Plays everything at least so many milliseconds after it arrives, where the browser can. */
  setPlayoutDelay(delay: number): void;
  /** Requests the size in which a peer's video is received; `undefined` if it is not visible. */
  updateTrackSettings(peerId: string, source: VideoSource, settings: VideoSettings | undefined): void;
  /** A peer has left: nothing is requested of it any more. */
  removePeer(peerId: string): void;
  /** The audio level of a peer's microphone, 0 to 1, as its last packets have it. @param slot the audio slot that carries it */
  audioLevel(peerId: string, slot: number | undefined): number;

  /**
   * Sends a message, after all earlier ones of its channel. A lossy message for which there is no room is dropped.
   * @returns once there is room for more, so that whoever awaits it never fills the memory; it may not have arrived by then
   * @throws {WeirError} `badRequest` above a limit, `forbidden` without `canPublishData`, `rateLimited` if too much waits
   *   already or the server has refused more, `unavailable` if there is no connection for data, `closed`
   */
  sendData(message: OutgoingData): Promise<void>;
  /** Bytes of a channel that have been accepted by `sendData` and not been sent yet. */
  bufferedAmount(channel: DataChannelLabel): number;
  /** Resolves once `bufferedAmount` is below the low-water mark of the channel, and rejects when the link closes. */
  bufferedAmountLow(channel: DataChannelLabel): Promise<void>;
  /** Data waits at the server: opens what receives it. */
  openData(): void;
  /** The server has not forwarded messages of ours. */
  dataRefused(refusal: ServerEvents['dataRefused']): void;
  /** The server has closed its end of what carries data. */
  dataClosed(closure: ServerEvents['dataClosed']): void;

  /**
   * Ends what the grants no longer allow, and begins to receive where they allow it again.
   * @param server what the server has, in a resume reply
   * @returns whether anything that was published has ended
   */
  applyGrants(grants: Grants, server?: ServerMediaState): boolean;
  /** Makes consumers and layer limits the same as those of the server after a reconnect, and sends what waited for it. */
  sync(server: Pick<ResumeReply, 'consumers' | 'subscribedLayers'>): void;
  /** Restarts ICE; media flows on over the former candidate pair until there is a better one. */
  restartIce(): void;
  /** The statistics of every track that is sent or received. */
  getStats(): Promise<TrackStats[]>;
  /** How each transport is connected. */
  getConnectionStats(): Promise<ConnectionStats[]>;
  /** What `sampleOf` makes a sample of quality from. */
  getQualityReports(): Promise<QualityReports>;
  close(): void;
}

/** What a link is made from, once the server has let us in. */
export interface MediaLinkOptions {
  readonly reply: Pick<JoinReply, 'kind' | 'transports' | 'iceServers'>;
  readonly signalling: Pick<Signalling, 'request' | 'reconnecting'>;
  /** `relay`: over TURN servers only. */
  readonly iceTransportPolicy?: RTCIceTransportPolicy | undefined;
  /** Whether media of this source should arrive all the time: the peer is present and has not muted it. */
  isExpected(peerId: string, source: Source): boolean;
}

/** What this browser can receive, and the way to a link. */
export interface LoadedMedia {
  readonly rtpCapabilities: RtpCapabilities;
  createLink(options: MediaLinkOptions): MediaLink;
}

/** The media of one join, before there is a connection to the server. */
export interface MediaLoader {
  /** @throws {WeirError} `unsupported` if this browser cannot do calls */
  load(welcome: Pick<Welcome, 'rtpCapabilities' | 'video' | 'limits'>): Promise<LoadedMedia>;
}
