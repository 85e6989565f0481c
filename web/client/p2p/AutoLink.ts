/** The media link of a room with the policy `auto`: the link over the SFU, with direct connections beside it while there are some. */
import type { DataChannelLabel } from '../../../shared/dataFrame.ts';
import type { Source } from '../../../shared/media.ts';
import type {
  ConsumerInfo,
  DirectPeers,
  Grants,
  ResumeReply,
  ServerEvents,
  ServerMessages,
} from '../../../shared/protocol.ts';
import type { EventData } from '../../../shared/RpcChannel.ts';
import type { ConnectionStats } from '../connectionStats.ts';
import type { DirectLink, DirectLinkOptions } from '../DirectLink.ts';
import { Emitter } from '../Emitter.ts';
import type { MediaConnectionState } from '../events.ts';
import type {
  MediaLink,
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
import { localTracksOf } from './DirectPublisher.ts';
import { keyOf, TrackRoutes } from './TrackRoutes.ts';

export interface AutoLinkOptions extends DirectLinkOptions {
  readonly sfu: MediaLink;
  /** Is called with each peer connection before it is used. */
  onConnection?(connection: RTCPeerConnection): void;
}

/** All tracks stay published on the SFU, which sends none of those that their receiver has directly. */
export class AutoLink extends Emitter<MediaLinkEvents> implements DirectLink {
  readonly #sfu: MediaLink;
  readonly #mesh: DirectMesh;
  readonly #routes: TrackRoutes;
  readonly #data: DirectData;
  readonly #peerIds: () => readonly string[];
  readonly #stopListening: (() => void)[] = [];
  /** The sources of which the SFU wants nothing, since all receive them directly. */
  readonly #idle = new Set<Source>();
  #directTracks = '[]';
  #state: MediaConnectionState;
  #closed = false;

  constructor(options: AutoLinkOptions) {
    super();
    const { sfu, request, isPublished, isExpected, peerIds, maySendData } = options;
    this.#sfu = sfu;
    this.#peerIds = peerIds;
    this.#state = sfu.connectionState;
    this.#data = new DirectData({
      peerIds,
      maySend: maySendData,
      // All else goes by the server, which limits it.
      onData: (data) => {
        if (data.channel === 'bulk') this.emit('dataReceived', data);
      },
      onFailed: () => {},
    });
    this.#mesh = new DirectMesh({
      ...options,
      localTracks: () => localTracksOf(this.#sfu),
      onChanged: () => this.#onChanged(),
      data: this.#data,
    });
    this.#routes = new TrackRoutes({
      mesh: this.#mesh,
      sfuProgress: () => this.#sfuProgress(),
      isPublished,
      isExpected,
      onTrack: (track) => this.emit('trackAdded', track),
      onTrackRemoved: (track) => this.emit('trackRemoved', track),
      onDirectTracks: (tracks) => {
        this.#updateState();
        const text = JSON.stringify(tracks);
        if (text === this.#directTracks) return;
        this.#directTracks = text;
        // One that is refused is sent again with the next change.
        request('setDirectTracks', { tracks }).catch(() => {
          this.#directTracks = '';
        });
      },
    });
    for (const received of options.received) this.#routes.addSfuTrack(received, true);
    this.#stopListening.push(
      sfu.on('trackAdded', (received) => {
        if (received.slot !== undefined) this.emit('trackAdded', received);
        else {
          // The server sends what is published anew until it hears otherwise.
          this.#directTracks = '';
          this.#routes.addSfuTrack(received);
        }
      }),
      sfu.on('trackRemoved', (received) => {
        if (received.slot !== undefined) this.emit('trackRemoved', received);
        else this.#routes.removeSfuTrack(received);
      }),
      sfu.on('localTrackEnded', (source) => {
        this.#idle.delete(source);
        this.#mesh.syncTracks();
        this.emit('localTrackEnded', source);
      }),
      sfu.on('connectionStateChanged', () => this.#updateState()),
      sfu.on('dataReceived', (data) => this.emit('dataReceived', data)),
      sfu.on('dataFailed', (error) => this.emit('dataFailed', error)),
      sfu.on('silence', () => this.emit('silence', undefined)),
      sfu.on('failed', () => this.emit('failed', undefined)),
    );
  }

  /** While everything comes directly, the state of the way to the server does not matter. */
  get connectionState(): MediaConnectionState {
    const state = this.#sfu.connectionState;
    return state === 'lost' && this.#routes.allDirect ? 'connected' : state;
  }

  get wasConnected(): boolean {
    return this.#sfu.wasConnected;
  }

  get triedPaths(): readonly TriedPath[] {
    return this.#sfu.triedPaths;
  }

  setDirectPeers(direct: DirectPeers): void {
    this.#data.setPeers(direct.peers);
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
    return this.#sfu.publish(source, track, options).finally(() => this.#mesh.syncTracks());
  }

  async unpublish(source: Source): Promise<void> {
    const done = this.#sfu.unpublish(source);
    this.#idle.delete(source);
    this.#mesh.syncTracks();
    await done;
  }

  replaceTrack(source: Source, track: MediaStreamTrack): Promise<void> {
    return this.#sfu.replaceTrack(source, track).finally(() => this.#mesh.syncTracks());
  }

  setMuted(source: Source, muted: boolean): Promise<void> {
    const done = this.#sfu.setMuted(source, muted);
    this.#mesh.syncTracks();
    // A refusal leaves it muted.
    return done.finally(() => this.#mesh.syncTracks());
  }

  mutedByServer(source: Source): boolean {
    const wasUnmuted = this.#sfu.mutedByServer(source);
    this.#mesh.syncTracks();
    return wasUnmuted;
  }

  /** Its end is an event of the link over the SFU, on which nothing of it is sent directly any more. */
  stoppedByServer(source: Source, producerId: string): boolean {
    return this.#sfu.stoppedByServer(source, producerId);
  }

  publishedTrack(source: Source): PublishedTrack | undefined {
    return this.#sfu.publishedTrack(source);
  }

  setSubscribedLayer(limit: ResumeReply['subscribedLayers'][number]): void {
    this.#sfu.setSubscribedLayer(limit);
    this.#noteLimit(limit);
  }

  consume(consumers: readonly ConsumerInfo[]): Promise<void> {
    return this.#sfu.consume(consumers);
  }

  closeConsumers(consumerIds: readonly string[]): void {
    this.#sfu.closeConsumers(consumerIds);
  }

  setPlayoutDelay(delay: number): void {
    this.#sfu.setPlayoutDelay(delay);
  }

  updateTrackSettings(peerId: string, source: VideoSource, settings: VideoSettings | undefined): void {
    this.#sfu.updateTrackSettings(peerId, source, settings);
    this.#mesh.setShown(peerId, source, settings);
    this.#routes.update();
  }

  removePeer(peerId: string): void {
    this.#sfu.removePeer(peerId);
    this.#mesh.removePeer(peerId);
    this.#data.removePeer(peerId);
    this.#routes.removePeer(peerId);
    this.#updateState();
  }

  audioLevel(peerId: string, slot: number | undefined): number {
    const session = slot === undefined ? this.#routes.sessionOf(peerId, 'microphone') : undefined;
    return session ? session.audioLevel('microphone') : this.#sfu.audioLevel(peerId, slot);
  }

  /**
   * Files directly to whom there is a connection; what is on its way when that ends is repeated by those who send files. All
   * other messages by the server, so that they arrive in order and once when media changes its way.
   */
  async sendData(message: OutgoingData): Promise<void> {
    const { channel, to = [] } = message;
    const direct = channel === 'bulk' ? to.filter((peerId) => this.#carriesFilesTo(peerId)) : [];
    const others = to.filter((peerId) => !direct.includes(peerId));
    await Promise.all([
      direct.length > 0 && this.#data.send({ ...message, to: direct }),
      direct.length === 0 && this.#sfu.sendData(message),
      direct.length > 0 && others.length > 0 && this.#sfu.sendData({ ...message, to: others }),
    ]);
  }

  /** Of both ways. */
  bufferedAmount(channel: DataChannelLabel): number {
    return this.#sfu.bufferedAmount(channel) + this.#data.bufferedAmount(channel);
  }

  async bufferedAmountLow(channel: DataChannelLabel): Promise<void> {
    await Promise.all([this.#sfu.bufferedAmountLow(channel), this.#data.bufferedAmountLow(channel)]);
  }

  openData(): void {
    this.#sfu.openData();
  }

  dataRefused(refusal: ServerEvents['dataRefused']): void {
    this.#sfu.dataRefused(refusal);
  }

  dataClosed(closure: ServerEvents['dataClosed']): void {
    this.#sfu.dataClosed(closure);
  }

  applyGrants(grants: Grants, server?: ServerMediaState): boolean {
    const hasEnded = this.#sfu.applyGrants(grants, server);
    this.#routes.setMayReceive(grants.canSubscribe);
    this.#data.grantsChanged();
    this.#mesh.syncTracks();
    return hasEnded;
  }

  sync(server: Pick<ResumeReply, 'consumers' | 'subscribedLayers'>): void {
    this.#idle.clear();
    for (const limit of server.subscribedLayers) this.#noteLimit(limit);
    this.#sfu.sync(server);
    this.#mesh.syncTracks();
    // The server may not have heard the last one.
    this.#directTracks = '';
    this.#routes.update();
  }

  restartIce(): void {
    this.#sfu.restartIce();
    this.#mesh.restartIce();
  }

  /** Each track once: as it is received, and as it is sent to those who receive it. */
  async getStats(): Promise<TrackStats[]> {
    const [bySfu, direct] = await Promise.all([this.#sfu.getStats(), this.#mesh.trackReports()]);
    const sent = direct.sent.filter(({ source }) => this.#idle.has(source)).map(summarise);
    const received = direct.received
      .filter(({ peerId, source }) => peerId !== undefined && this.receivesDirectly(peerId, source))
      .map(summarise);
    const isReplaced = ({ direction, source, peerId }: TrackStats) =>
      [...sent, ...received].some(
        (one) => one.direction === direction && one.source === source && one.peerId === peerId,
      );
    return [
      ...bySfu.filter((track) => !isReplaced(track)),
      ...[...sent, ...received].map((track) => ({ ...track, direct: true })),
    ];
  }

  /** The direct connections first. */
  async getConnectionStats(): Promise<ConnectionStats[]> {
    return (await Promise.all([this.#mesh.connectionStats(), this.#sfu.getConnectionStats()])).flat();
  }

  /** Of the link over the SFU: the server knows nothing of direct connections, and could explain nothing about them. */
  getQualityReports(): Promise<QualityReports> {
    return this.#sfu.getQualityReports();
  }

  close(): void {
    this.#closed = true;
    for (const stop of this.#stopListening) stop();
    this.#routes.close();
    this.#mesh.close();
    this.#data.close();
    this.#sfu.close();
  }

  #onChanged(): void {
    if (this.#closed) return;
    this.#routes.update();
    for (const peerId of this.#peerIds()) if (!this.#carriesFilesTo(peerId)) this.#data.drop(peerId);
    this.#data.sessionsChanged();
  }

  #carriesFilesTo(peerId: string): boolean {
    const session = this.#data.sessionWith(peerId, 'bulk');
    return session !== undefined && this.#mesh.isWanted(session);
  }

  /** It depends on the way of each track too: see `connectionState`. */
  #updateState(): void {
    const state = this.connectionState;
    if (state === this.#state) return;
    this.#state = state;
    this.emit('connectionStateChanged', state);
  }

  #noteLimit({ source, maxSpatialLayer }: ResumeReply['subscribedLayers'][number]): void {
    if (maxSpatialLayer < 0) this.#idle.add(source);
    else this.#idle.delete(source);
  }

  async #sfuProgress(): Promise<ReadonlyMap<string, number>> {
    const tracks = await this.#sfu.getStats();
    return new Map(
      tracks
        .filter(({ direction }) => direction === 'receive')
        .map(({ source, peerId, frames, packets }) => [keyOf(peerId, source), frames ?? packets]),
    );
  }
}
