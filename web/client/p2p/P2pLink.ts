/** The media link of a room with the policy `p2p`: direct connections to all others, and nothing through the server. */
import type { DataChannelLabel } from '../../../shared/dataFrame.ts';
import type { Source } from '../../../shared/media.ts';
import type { DirectPeers, Grants, ServerMessages } from '../../../shared/protocol.ts';
import type { EventData } from '../../../shared/RpcChannel.ts';
import type { ConnectionStats } from '../connectionStats.ts';
import type { DirectLink, DirectLinkOptions } from '../DirectLink.ts';
import { Emitter } from '../Emitter.ts';
import type { MediaConnectionState } from '../events.ts';
import type {
  MediaLinkEvents,
  OutgoingData,
  PublishedTrack,
  PublishOptions,
  ServerMediaState,
  TriedPath,
  VideoSettings,
  VideoSource,
} from '../MediaLink.ts';
import type { QualityReports } from '../quality/QualitySample.ts';
import { summarise, type TrackStats } from '../stats.ts';
import { DirectData } from './DirectData.ts';
import { DirectMesh } from './DirectMesh.ts';
import { DirectPublications } from './DirectPublications.ts';
import { localTracksOf } from './DirectPublisher.ts';
import { TrackRoutes } from './TrackRoutes.ts';

export interface P2pLinkOptions extends DirectLinkOptions {
  /** Is called with each peer connection before it is used. */
  onConnection?(connection: RTCPeerConnection): void;
}

export class P2pLink extends Emitter<MediaLinkEvents> implements DirectLink {
  readonly #mesh: DirectMesh;
  readonly #routes: TrackRoutes;
  readonly #publications: DirectPublications;
  readonly #data: DirectData;
  readonly triedPaths: readonly TriedPath[] = [];
  /** With whom media is to be exchanged. */
  #wanted: readonly string[] = [];
  /** Of these: to whom a connection was lost or could not be made, until there is one. */
  readonly #unreached = new Set<string>();
  #wasConnected = false;
  #state: MediaConnectionState = 'connected';
  #closed = false;

  constructor(options: P2pLinkOptions) {
    super();
    const { request, isPublished, isExpected, peerIds, maySendData } = options;
    this.#data = new DirectData({
      peerIds,
      maySend: maySendData,
      onData: (data) => this.emit('dataReceived', data),
      onFailed: (error) => this.emit('dataFailed', error),
    });
    this.#publications = new DirectPublications({
      request,
      onChanged: () => this.#mesh.syncTracks(),
      onSourceEnded: (source) => this.emit('localTrackEnded', source),
    });
    this.#mesh = new DirectMesh({
      ...options,
      localTracks: () => localTracksOf(this.#publications),
      onChanged: () => this.#onChanged(),
      data: this.#data,
    });
    this.#routes = new TrackRoutes({
      mesh: this.#mesh,
      isPublished,
      isExpected,
      onTrack: (track) => this.emit('trackAdded', track),
      onTrackRemoved: (track) => this.emit('trackRemoved', track),
      onDirectTracks: () => {},
    });
  }

  /** `lost` while a connection is lost, or could not be made and is tried again; those to the others may go on. */
  get connectionState(): MediaConnectionState {
    return this.#state;
  }

  get wasConnected(): boolean {
    return this.#wasConnected;
  }

  setDirectPeers(direct: DirectPeers): void {
    this.#data.setPeers(direct.peers);
    this.#wanted = direct.peers.map(({ peerId }) => peerId);
    this.#mesh.setPeers(direct);
  }

  receiveDirectSignal(signal: EventData<ServerMessages, 'directSignal'>): void {
    this.#mesh.receiveSignal(signal);
  }

  receivesDirectly(peerId: string, source: Source): boolean {
    return this.#routes.sessionOf(peerId, source) !== undefined;
  }

  peerChanged(): void {
    this.#routes.update();
  }

  publish(source: Source, track: MediaStreamTrack, options: PublishOptions): Promise<void> {
    return this.#publications.publish(source, track, options);
  }

  unpublish(source: Source): Promise<void> {
    return this.#publications.unpublish(source);
  }

  async replaceTrack(source: Source, track: MediaStreamTrack): Promise<void> {
    this.#publications.replaceTrack(source, track);
  }

  setMuted(source: Source, muted: boolean): Promise<void> {
    return this.#publications.setMuted(source, muted);
  }

  mutedByServer(source: Source): boolean {
    return this.#publications.mutedByServer(source);
  }

  stoppedByServer(source: Source, producerId: string): boolean {
    return this.#publications.stoppedByServer(source, producerId);
  }

  publishedTrack(source: Source): PublishedTrack | undefined {
    return this.#publications.publishedTrack(source);
  }

  /** Each receiver says directly what it needs. */
  setSubscribedLayer(): void {}

  /** There are no consumers. */
  async consume(): Promise<void> {}

  closeConsumers(): void {}

  setPlayoutDelay(): void {}

  updateTrackSettings(peerId: string, source: VideoSource, settings: VideoSettings | undefined): void {
    this.#mesh.setShown(peerId, source, settings);
  }

  removePeer(peerId: string): void {
    this.#wanted = this.#wanted.filter((one) => one !== peerId);
    this.#mesh.removePeer(peerId);
    this.#data.removePeer(peerId);
    this.#routes.removePeer(peerId);
    this.#updateState();
  }

  audioLevel(peerId: string): number {
    return this.#routes.sessionOf(peerId, 'microphone')?.audioLevel('microphone') ?? 0;
  }

  sendData(message: OutgoingData): Promise<void> {
    return this.#data.send(message);
  }

  bufferedAmount(channel: DataChannelLabel): number {
    return this.#data.bufferedAmount(channel);
  }

  bufferedAmountLow(channel: DataChannelLabel): Promise<void> {
    return this.#data.bufferedAmountLow(channel);
  }

  /** The server carries no data. */
  openData(): void {}

  dataRefused(): void {}

  dataClosed(): void {}

  applyGrants(grants: Grants, server?: ServerMediaState): boolean {
    const wasRevoked = this.#publications.applyGrants(grants);
    const isMissing = server !== undefined && this.#publications.syncSources(server.sources);
    this.#routes.setMayReceive(grants.canSubscribe);
    this.#data.grantsChanged();
    return wasRevoked || isMissing;
  }

  sync(): void {
    this.#routes.update();
  }

  restartIce(): void {
    this.#mesh.restartIce();
  }

  /** What is sent to several peers counts once for each of them. */
  async getStats(): Promise<TrackStats[]> {
    const { sent, received } = await this.#mesh.trackReports();
    return [...sent, ...received].map((report) => ({ ...summarise(report), direct: true }));
  }

  getConnectionStats(): Promise<ConnectionStats[]> {
    return this.#mesh.connectionStats();
  }

  /** Nobody is blamed: the server, which knows both ends of a link elsewhere, knows nothing of these. */
  async getQualityReports(): Promise<QualityReports> {
    return { reports: { send: undefined, recv: undefined }, trackOf: () => undefined };
  }

  close(): void {
    this.#closed = true;
    this.#routes.close();
    this.#mesh.close();
    this.#data.close();
    this.#publications.close();
  }

  #onChanged(): void {
    if (this.#closed) return;
    this.#routes.update();
    this.#data.sessionsChanged();
    this.#updateState();
  }

  #updateState(): void {
    const state = this.#currentState();
    if (state === this.#state) return;
    this.#state = state;
    this.emit('connectionStateChanged', state);
  }

  /** The next attempt at a connection changes nothing: only one that carries media does. */
  #currentState(): MediaConnectionState {
    let reached = 0;
    for (const peerId of this.#unreached) if (!this.#wanted.includes(peerId)) this.#unreached.delete(peerId);
    for (const peerId of this.#wanted) {
      const sessions = this.#mesh.sessionsWith(peerId);
      if (sessions.some(({ usable }) => usable)) {
        reached += 1;
        this.#unreached.delete(peerId);
      } else if (sessions[0]?.lost) this.#unreached.add(peerId);
    }
    this.#wasConnected ||= reached > 0;
    if (this.#unreached.size > 0) return 'lost';
    return this.#wanted.length > 0 && reached === 0 ? 'connecting' : 'connected';
  }
}
