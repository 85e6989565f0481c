/** The public client of a room: join, publish, mute, the other peers and their tracks. */
import { WeirError } from '../../shared/errors.ts';
import type { Source } from '../../shared/media.ts';
import type { ConsumerLayers, Grants, GrantsPatch, Reaction, SourceStates } from '../../shared/protocol.ts';
import { mayPublish } from '../../shared/roles.ts';
import type { BroadcastApi } from './Broadcast.ts';
import { baseUrl } from './base.ts';
import type { ChatApi } from './Chat.ts';
import type { ConnectionStats } from './connectionStats.ts';
import { defaultDependencies } from './defaultDependencies.ts';
import { Emitter } from './Emitter.ts';
import type { MediaConnectionState, RemotePeer, RoomClientEvents, RoomClientState } from './events.ts';
import type { FilesApi } from './Files.ts';
import type { JoinOptions } from './joinOptions.ts';
import type { PublishOptions, SendDataOptions, TriedPath, VideoSettings, VideoSource } from './MediaLink.ts';
import type { ModerationApi } from './Moderation.ts';
import type { ConnectionQuality } from './quality/judge.ts';
import { type RoomClientDependencies, RoomSession } from './RoomSession.ts';
import { requireSource } from './requireTrack.ts';
import type { SignallingKind } from './Signalling.ts';
import type { TrackStats } from './stats.ts';

/**
 * One session in one room. A lost connection is replaced, and the session resumed; after `closed` make a new RoomClient.
 * @example
 * const room = new RoomClient({ url: 'https://weir.example' });
 * room.on('trackAdded', ({ peer, source, track }) => show(peer, track));
 * await room.join({ room: 'demo', token });
 * await room.publish('camera', await openCamera());
 */
export class RoomClient extends Emitter<RoomClientEvents> {
  readonly #url: string;
  readonly #session: RoomSession;

  /**
   * @param options.url where the Weir server is, with its path if it has one; by default where the SDK was loaded from
   * @param dependencies what carries signalling and media: an SFU over WebSocket or HTTP, and WebRTC, unless a test replaces it
   */
  constructor(options: { url?: string } = {}, dependencies: RoomClientDependencies = defaultDependencies) {
    super();
    this.#url = options.url ?? baseUrl;
    this.#session = new RoomSession({
      ...dependencies,
      url: this.#url,
      notify: (event, data) => this.emit(event, data),
    });
    this.on('peerLeft', ({ peer }) => {
      this.#session.removePeer(peer.peerId);
      this.#session.quality?.removePeer(peer.peerId);
      this.#session.files.onPeerLeft(peer.peerId);
    });
    this.on('peerJoined', (peer) => this.#session.files.onPeerJoined(peer));
  }

  /** What there is to a broadcast. */
  get broadcast(): BroadcastApi {
    return this.#session.store.broadcast;
  }

  /** The chat of the room. */
  get chat(): ChatApi {
    return this.#session.store.chat;
  }

  /** What administrators may do to others, beside `kick` and `setGrants`, and who may enter the room. */
  get moderation(): ModerationApi {
    return this.#session.moderation;
  }

  /** Files that are sent to other peers, and received from them. */
  get files(): FilesApi {
    return this.#session.files;
  }

  get state(): RoomClientState {
    return this.#session.state;
  }

  /** Our own id in this session; undefined before `join`. */
  get peerId(): string | undefined {
    return this.#session.store.self?.peerId;
  }

  /** The display name that the server has given us; undefined before `join`. */
  get name(): string | undefined {
    return this.#session.store.self?.name;
  }

  /** What we may do now; undefined before `join`. */
  get grants(): Grants | undefined {
    return this.#session.store.grants;
  }

  /**
   * The token to rejoin with: the server refreshes it during the session, with the grants of that time, so that it is valid
   * after the one of the join has expired. Undefined on a server that allows anonymous access.
   */
  get token(): string | undefined {
    return this.#session.store.token;
  }

  /** The other peers, in the order in which they joined. */
  get peers(): RemotePeer[] {
    return this.#session.store.peers.peers;
  }

  /** What we publish. */
  get sources(): SourceStates {
    return this.#session.localSources;
  }

  /** The track that we publish as `source`. */
  localTrack(source: Source): MediaStreamTrack | undefined {
    return this.#session.link?.publishedTrack(source)?.track;
  }

  /**
   * Joins a room. It resolves when we are in; tracks of peers that are present arrive by `trackAdded`.
   * @throws {WeirError} `unauthorized`, `roomFull`, `busy` (try again after `retryAfter` seconds), `unavailable`,
   *   `unsupported`, ...; its `reason` says more. Another attempt needs a new RoomClient
   */
  async join(options: JoinOptions): Promise<void> {
    if (this.state !== 'idle') throw new WeirError('alreadyJoined', 'Make a new RoomClient for each join.');
    if (!URL.canParse(this.#url)) {
      throw new WeirError('badRequest', `"${this.#url}" is not the URL of a server, such as https://weir.example.`);
    }
    await this.#session.join(options);
  }

  /** Leaves the room. Published tracks are not stopped: they belong to the application. */
  leave(): void {
    this.#session.leave();
  }

  /**
   * Publishes a track. The track belongs to the application, which stops it in the end. A track that is disabled is
   * published muted; later changes of `track.enabled` are not sent to the server: call `mute` and `unmute`.
   * @throws {WeirError} `badRequest` for a track that is of the wrong kind or has ended, `forbidden`, `conflict`,
   *   `unsupported`, `closed`; a later attempt can succeed after each of them
   */
  async publish(source: Source, track: MediaStreamTrack, options: PublishOptions = {}): Promise<void> {
    const link = this.#session.requireLink();
    requireSource(source);
    if (this.grants && !mayPublish(this.grants, source)) {
      throw new WeirError('forbidden', `Your grants do not allow you to publish ${source}: see \`grants\`.`);
    }
    try {
      await link.publish(source, track, options);
    } finally {
      this.#session.notifyLocalSourcesChanged();
    }
  }

  /** Stops publishing a source, also one whose `publish` is under way; does nothing if it is off. */
  async unpublish(source: Source): Promise<void> {
    const done = this.#session.requireLink().unpublish(source);
    this.#session.notifyLocalSourcesChanged();
    await done;
  }

  /**
   * Sends another track as `source`, without a new publication for the other peers. A muted source stays muted.
   * @throws {WeirError} `notFound` if the source is off, `badRequest`, `unsupported`; the former track is still sent then
   */
  async replaceTrack(source: Source, track: MediaStreamTrack): Promise<void> {
    await this.#session.requireLink().replaceTrack(source, track);
    this.#session.notifyLocalSourcesChanged();
  }

  /**
   * Mutes a source, also one whose `publish` is under way: here at once, for the others when this resolves. Of several
   * calls of `mute` and `unmute` the last one counts.
   * @throws {WeirError} `notFound` if the source is off
   */
  mute(source: Source): Promise<void> {
    return this.#setMuted(source, true);
  }

  /** Unmutes a source, as `mute` mutes it. @throws {WeirError} as `mute`; a source that the server refuses to unmute stays muted */
  unmute(source: Source): Promise<void> {
    return this.#setMuted(source, false);
  }

  /**
   * Sends a message to the other peers. Reliable messages arrive in order and once; those that are not reliable may be lost
   * and overtake one another, and are dropped here while the connection is busy. Strings are sent as UTF-8.
   * @param options.to peer ids; everyone without it
   * @returns once there is room for more: whoever awaits it sends as fast as the connection allows
   * @throws {WeirError} `forbidden` without the grant `canPublishData`, `badRequest` above 64 KiB (65,536 bytes) or for a
   *   topic above 64 characters, `rateLimited` if too much waits to be sent, `unavailable` without a connection, `closed`
   */
  async sendData(data: Uint8Array | string, options: SendDataOptions = {}): Promise<void> {
    const { reliable = true, topic = '', to } = options;
    const link = this.#session.requireLink();
    if (this.grants?.canPublishData === false) {
      throw new WeirError('forbidden', 'Your grants do not allow you to send data: see `grants`.');
    }
    const bytes = typeof data === 'string' ? new TextEncoder().encode(data) : data;
    await link.sendData({ channel: reliable ? 'reliable' : 'lossy', topic, to, data: bytes });
  }

  /** Removes a peer from the room; needs the grant `roomAdmin`. */
  async kick(peerId: string): Promise<void> {
    await this.#session.requireSignalling().request('kick', { peerId });
  }

  /** Changes the grants of a peer, at once; needs the grant `roomAdmin`. */
  async setGrants(peerId: string, grants: GrantsPatch): Promise<void> {
    await this.#session.requireSignalling().request('setGrants', { peerId, grants });
  }

  /** Raises or lowers our hand. @param name our display name from now on, if the token has none */
  async setHand(raised: boolean, name?: string): Promise<void> {
    await this.#session.requireSignalling().request('setHand', { raised, ...(name !== undefined && { name }) });
  }

  /** Sends the other peers a reaction. */
  async react(reaction: Reaction): Promise<void> {
    await this.#session.requireSignalling().request('react', { reaction });
  }

  /**
   * Requests the size in which a peer's video is received, in device pixels: the one in which it is shown, or `undefined`
   * while it is not visible, so that it is not sent. Call it as often as you like: only changes are sent. `observeVideo`
   * calls it for you. A video without settings is received in full, within `initialVideoLimit` of `join`.
   */
  updateTrackSettings(peerId: string, source: VideoSource, settings: VideoSettings | undefined): void {
    if (this.#session.store.peers.has(peerId)) this.#session.updateTrackSettings(peerId, source, settings);
  }

  /** The peer whose audio each audio slot of a large room carries, `null` for none; empty in smaller rooms. */
  get audioSlots(): readonly (string | null)[] {
    return this.#session.store.audioSlots.holders;
  }

  /** The audio track of each slot. Play all of them: the server assigns active speakers to slots. */
  get audioSlotTracks(): ReadonlyMap<number, MediaStreamTrack> {
    return this.#session.store.audioSlots.tracks;
  }

  /** The audio level of a peer's microphone now, 0 to 1. */
  audioLevel(peerId: string): number {
    const { link, store } = this.#session;
    return link?.audioLevel(peerId, store.audioSlots.of(peerId)) ?? 0;
  }

  /** Whether media has ever connected in this session: if not, a firewall or a proxy probably blocks it. */
  get mediaWasConnected(): boolean {
    return this.#session.link?.wasConnected ?? false;
  }

  /** The ways to the server that were tried for media in this session, in order of preference. */
  get triedPaths(): readonly TriedPath[] {
    return this.#session.link?.triedPaths ?? [];
  }

  /** Whether the signalling connection is lost at present, and being replaced. */
  get reconnecting(): boolean {
    return this.#session.reconnecting;
  }

  /** What carries the signalling at present; anything but a WebSocket means that those are blocked. Undefined before `join`. */
  get signallingKind(): SignallingKind | undefined {
    return this.#session.signallingKind;
  }

  /** Restarts ICE, for instance when the device has moved to another network. */
  restartIce(): void {
    this.#session.requireLink().restartIce();
  }

  /** How the media is connected. */
  get mediaConnectionState(): MediaConnectionState {
    return this.#session.link?.connectionState ?? 'connecting';
  }

  /**
   * How good a connection is, and whose fault it is where it is bad: `localUplink`, `localDownlink`, `server` or
   * `remoteUplink`.
   * @param peerId of a peer whom we receive; without it, of what we send
   */
  connectionQuality(peerId?: string): ConnectionQuality {
    return this.#session.quality?.quality(peerId) ?? 'good';
  }

  /** Every track that is sent or received, with its statistics. */
  async getStats(): Promise<TrackStats[]> {
    return (await this.#session.link?.getStats()) ?? [];
  }

  /** Which layers of received videos the server forwards now, of those that have layers; it is asked each time. */
  async getConsumerLayers(): Promise<ConsumerLayers[]> {
    return (await this.#session.requireSignalling().request('getConsumerLayers', {})).videos;
  }

  /** How media is connected: state, selected candidate pair and its counters, of each transport. */
  async getConnectionStats(): Promise<ConnectionStats[]> {
    return (await this.#session.link?.getConnectionStats()) ?? [];
  }

  async #setMuted(source: Source, muted: boolean): Promise<void> {
    const done = this.#session.requireLink().setMuted(source, muted);
    this.#session.notifyLocalSourcesChanged();
    // A refusal leaves it muted.
    await done.finally(() => this.#session.notifyLocalSourcesChanged());
  }
}

/** The public members of `RoomClient`, for tests of applications that replace it. */
export type RoomClientApi = Pick<RoomClient, keyof RoomClient>;
