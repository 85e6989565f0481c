/** The interface of what carries the media of one session: `SfuLink` implements it, and tests replace it. */
import type { RtpCapabilities, Source } from '../../shared/media.ts';
import type { ConsumerInfo, Grants, JoinReply, ResumeReply, TrackSettings, Welcome } from '../../shared/protocol.ts';
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
  load(welcome: Pick<Welcome, 'rtpCapabilities' | 'video'>): Promise<LoadedMedia>;
}
