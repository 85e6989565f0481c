/** The media link over the SFU: one sending and one receiving mediasoup transport, and whether media gets through them. */
import type { Device, types } from 'mediasoup-client';
import type { DataChannelLabel } from '../../../shared/dataFrame.ts';
import { WeirError } from '../../../shared/errors.ts';
import type { IceServer, Source, TransportInfo } from '../../../shared/media.ts';
import type { ConsumerInfo, Grants, ResumeReply, ServerEvents, Welcome } from '../../../shared/protocol.ts';
import type { ConnectionStats } from '../connectionStats.ts';
import { Emitter } from '../Emitter.ts';
import type { MediaConnectionState } from '../events.ts';
import type {
  MediaLink,
  MediaLinkEvents,
  MediaLinkOptions,
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
import { IceRestartPolicy } from './IceRestartPolicy.ts';
import { LazyData } from './LazyData.ts';
import { type LocalCounters, MediaPath } from './MediaPath.ts';
import { MediaSilenceDetector } from './MediaSilenceDetector.ts';
import { Publisher } from './Publisher.ts';
import { SendFeedback } from './SendFeedback.ts';
import { Subscriber } from './Subscriber.ts';
import { TrackSettingsReporter } from './TrackSettingsReporter.ts';
import { TransportPair } from './TransportPair.ts';

/** How long to wait before a receiving transport that could not be opened is requested again, in milliseconds. */
const REOPEN_DELAYS = [500, 1000, 2000, 4000];

/** For how long a first connection that has failed is attempted again, in milliseconds. */
const FIRST_CONNECTION_TIMEOUT = 12_000;

export interface SfuLinkOptions extends MediaLinkOptions {
  /** Loaded with the RTP capabilities of the server. */
  readonly device: Device;
  /** The codecs that the server requests videos to be published with. */
  readonly video: Welcome['video'];
  readonly limits: Welcome['limits'];
  /** Is called with a peer connection that mediasoup-client does not make. */
  readonly onConnection?: ((connection: RTCPeerConnection) => void) | undefined;
}

/**
 * It does not wait for the server if that can be avoided: callbacks of mediasoup-client are called at once, and an object
 * that the server refuses is closed.
 */
export class SfuLink extends Emitter<MediaLinkEvents> implements MediaLink {
  readonly #options: SfuLinkOptions;
  readonly #transports: TransportPair;
  readonly #publisher: Publisher;
  readonly #subscriber: Subscriber;
  readonly #trackSettings: TrackSettingsReporter;
  readonly #restarts: IceRestartPolicy;
  readonly #path: MediaPath;
  readonly #silence: MediaSilenceDetector;
  readonly #feedback: SendFeedback;
  readonly #data: LazyData;
  /** The current right to send, and to receive: another symbol each time it is granted; undefined without it. */
  #sendRight: symbol | undefined = Symbol('send');
  #receiveRight: symbol | undefined = Symbol('recv');
  #opening = false;
  #reopenTimer: ReturnType<typeof setTimeout> | undefined;
  #closed = false;
  readonly #createdAt = performance.now();

  constructor(options: SfuLinkOptions) {
    super();
    this.#options = options;
    const { device, video, limits, signalling, reply, iceTransportPolicy, onConnection } = options;
    const { request } = signalling;
    this.#transports = new TransportPair({
      device,
      request,
      iceServers: reply.iceServers,
      iceTransportPolicy,
      onStateChange: (state) => this.#onTransportState(state),
      onConnectTimeout: () => this.#fail(),
      onRefused: () => this.#fail(),
      onDataRestart: (iceParameters, iceServers) => void this.#data.loaded?.restartIce(iceParameters, iceServers),
    });
    this.#feedback = new SendFeedback(() => this.#transports.countSend());
    this.#publisher = new Publisher({
      device,
      video,
      kind: reply.kind,
      request,
      openTransport: () => this.#openSending(),
      onSourceEnded: (source) => this.emit('localTrackEnded', source),
    });
    this.#subscriber = new Subscriber({
      request,
      onTrack: ({ peerId, slot, source }, track) => this.emit('trackAdded', { peerId, slot, source, track }),
      onTrackEnded: ({ peerId, slot, source }, track) => this.emit('trackRemoved', { peerId, slot, source, track }),
      onFailed: () => this.#fail(),
    });
    this.#trackSettings = new TrackSettingsReporter({
      send: (tracks) => request('updateTrackSettings', { tracks }),
      held: () => signalling.reconnecting,
    });
    this.#restarts = new IceRestartPolicy({
      restart: () => this.#transports.restartIce(),
      connection: () => this.connectionState,
      onGivenUp: () => this.#fail(),
    });
    this.#path = new MediaPath({
      local: () => this.#counters(),
      remote: () => request('getTransportStats', {}),
      onChange: () => this.#onPathChanged(),
    });
    this.#silence = new MediaSilenceDetector({
      lastPacketAge: () => this.#lastPacketAge(),
      onSilence: () => this.#onSilence(),
    });
    this.#data = new LazyData({
      request,
      limits,
      iceTransportPolicy,
      onConnection,
      onReceived: (message) => this.emit('dataReceived', message),
      onPathLost: () => this.#restarts.request(),
      onFailed: (error) => this.emit('dataFailed', error),
    });
    const { send, recv } = reply.transports;
    if (send) this.#createSendTransport(send);
    if (recv) this.#createRecvTransport(recv);
  }

  /** `lost` as soon as one transport has lost its connection, or media does not get through. */
  get connectionState(): MediaConnectionState {
    if (this.#path.lost) return 'lost';
    return this.#transports.connectionState;
  }

  get wasConnected(): boolean {
    return this.#transports.wasConnected;
  }

  get triedPaths(): TriedPath[] {
    return this.#transports.triedPaths;
  }

  publish(source: Source, track: MediaStreamTrack, options: PublishOptions): Promise<void> {
    return this.#publisher.publish(source, track, options);
  }

  unpublish(source: Source): Promise<void> {
    return this.#publisher.unpublish(source);
  }

  replaceTrack(source: Source, track: MediaStreamTrack): Promise<void> {
    return this.#publisher.replaceTrack(source, track);
  }

  setMuted(source: Source, muted: boolean): Promise<void> {
    return this.#publisher.setMuted(source, muted);
  }

  mutedByServer(source: Source): boolean {
    return this.#publisher.mutedByServer(source);
  }

  stoppedByServer(source: Source, producerId: string): boolean {
    return this.#publisher.stoppedByServer(source, producerId);
  }

  publishedTrack(source: Source): PublishedTrack | undefined {
    return this.#publisher.publishedTrack(source);
  }

  setSubscribedLayer(limit: ResumeReply['subscribedLayers'][number]): void {
    this.#publisher.setSubscribedLayer(limit);
  }

  consume(consumers: readonly ConsumerInfo[]): Promise<void> {
    return this.#subscriber.consume(consumers);
  }

  closeConsumers(consumerIds: readonly string[]): void {
    this.#subscriber.closeConsumers(consumerIds);
  }

  setPlayoutDelay(delay: number): void {
    this.#subscriber.setPlayoutDelay(delay);
  }

  updateTrackSettings(peerId: string, source: VideoSource, settings: VideoSettings | undefined): void {
    this.#trackSettings.set(peerId, source, settings);
  }

  removePeer(peerId: string): void {
    this.#trackSettings.removePeer(peerId);
  }

  audioLevel(peerId: string, slot: number | undefined): number {
    return this.#subscriber.audioLevel(peerId, slot);
  }

  sendData(message: OutgoingData): Promise<void> {
    return this.#data.send(message);
  }

  bufferedAmount(channel: DataChannelLabel): number {
    return this.#data.bufferedAmount(channel);
  }

  async bufferedAmountLow(channel: DataChannelLabel): Promise<void> {
    await this.#data.loaded?.low(channel);
  }

  openData(): void {
    this.#data.open();
  }

  dataRefused(refusal: ServerEvents['dataRefused']): void {
    this.#data.loaded?.onRefused(refusal);
  }

  dataClosed(closure: ServerEvents['dataClosed']): void {
    if (this.#data.loaded) this.#data.loaded.onClosed(closure);
    else this.emit('dataFailed', WeirError.fromWire(closure.error));
  }

  applyGrants(grants: Grants, server?: ServerMediaState): boolean {
    const before = this.connectionState;
    const maySend = grants.canPublish && (!server || server.transports.send === this.#transports.send?.id);
    const wasRevoked = this.#publisher.applyGrants(maySend ? grants : { ...grants, canPublish: false });
    const isMissing = server !== undefined && this.#publisher.syncSources(server.sources);
    if (!maySend) this.#transports.removeSend();
    this.#sendRight = grants.canPublish ? (this.#sendRight ?? Symbol('send')) : undefined;
    if (!grants.canSubscribe || (server && server.transports.recv !== this.#transports.recv?.id)) {
      this.#transports.closeRecv();
      this.#subscriber.attach(undefined);
      clearTimeout(this.#reopenTimer);
    }
    this.#receiveRight = grants.canSubscribe ? (this.#receiveRight ?? Symbol('recv')) : undefined;
    if (grants.canSubscribe && !this.#transports.recv) void this.#openReceiving();
    // A loss has ended with the transport that was lost.
    if (this.connectionState !== before) this.#onConnectionChanged();
    this.#data.loaded?.applyGrants(grants);
    if (server) this.#data.loaded?.sync(server.transports.data);
    return wasRevoked || isMissing;
  }

  sync({ consumers, subscribedLayers }: Pick<ResumeReply, 'consumers' | 'subscribedLayers'>): void {
    this.#subscriber.sync(consumers);
    this.#publisher.syncSubscribedLayers(subscribedLayers);
    this.#trackSettings.resume();
    // A check that was under way has ended with the former connection.
    this.#silence.reportAgain();
  }

  restartIce(): void {
    this.#restarts.request();
  }

  async getStats(): Promise<TrackStats[]> {
    const [sent, received] = await Promise.all([this.#publisher.stats(), this.#subscriber.stats()]);
    return [...sent, ...received].map(summarise);
  }

  getConnectionStats(): Promise<ConnectionStats[]> {
    return this.#transports.connectionStats();
  }

  async getQualityReports(): Promise<QualityReports> {
    const infos = this.#subscriber.infoByTrack;
    return { reports: await this.#transports.reports(), trackOf: (trackId) => this.#expectedTrack(infos.get(trackId)) };
  }

  close(): void {
    this.#closed = true;
    clearTimeout(this.#reopenTimer);
    this.#silence.close();
    this.#restarts.close();
    this.#path.close();
    this.#trackSettings.close();
    this.#transports.close();
    this.#data.close();
    this.#publisher.close();
    this.#subscriber.close();
  }

  #createSendTransport(info: TransportInfo, iceServers?: readonly IceServer[]): types.Transport {
    const transport = this.#transports.createSend(info, iceServers);
    this.#publisher.attach(transport);
    return transport;
  }

  #createRecvTransport(info: TransportInfo, iceServers?: readonly IceServer[]): void {
    this.#subscriber.attach(this.#transports.createRecv(info, iceServers));
  }

  async #openSending(): Promise<types.Transport> {
    const right = this.#sendRight;
    const { transport, iceServers } = await this.#options.signalling.request('openTransport', { direction: 'send' });
    if (this.#closed) throw new WeirError('closed');
    // The server has closed a transport together with the right that it was opened for, even if there is a new right.
    if (this.#sendRight !== right) throw new WeirError('forbidden', 'Your grants do not allow you to publish here.');
    return this.#createSendTransport(transport, iceServers);
  }

  /** Requests a receiving transport until there is one, the right to receive ends, or requests have failed too often. */
  async #openReceiving(failures = 0): Promise<void> {
    clearTimeout(this.#reopenTimer);
    if (this.#opening) return;
    this.#opening = true;
    const right = this.#receiveRight;
    try {
      const { transport, iceServers } = await this.#options.signalling.request('openTransport', { direction: 'recv' });
      this.#opening = false;
      if (this.#closed || !this.#receiveRight) return;
      // As for the sending transport.
      if (this.#receiveRight === right) this.#createRecvTransport(transport, iceServers);
      else await this.#openReceiving();
    } catch {
      this.#opening = false;
      if (this.#closed || !this.#receiveRight) return;
      if (this.#receiveRight !== right) await this.#openReceiving();
      else if (failures < REOPEN_DELAYS.length) {
        this.#reopenTimer = setTimeout(() => void this.#openReceiving(failures + 1), REOPEN_DELAYS[failures]);
      } else this.#fail();
    }
  }

  #onTransportState(state: types.ConnectionState): void {
    this.emit('connectionStateChanged', this.connectionState);
    if (state === 'failed' && this.#mayConnect) this.#restarts.request();
    else if (state === 'failed') this.#fail();
    else this.#restarts.onConnectionChanged();
  }

  /** Firefox gives up after five seconds, in which a slow TURN server over TLS may not have answered yet. */
  get #mayConnect(): boolean {
    if (this.wasConnected) return true;
    return this.#transports.hasRelays && performance.now() - this.#createdAt < FIRST_CONNECTION_TIMEOUT;
  }

  #fail(): void {
    this.emit('failed', undefined);
  }

  #onConnectionChanged(): void {
    this.emit('connectionStateChanged', this.connectionState);
    this.#restarts.onConnectionChanged();
  }

  /** Browsers need five seconds and more to notice that a path is lost. */
  #onPathChanged(): void {
    this.#onConnectionChanged();
    if (this.#path.lost) this.#restarts.request();
  }

  #onSilence(): void {
    this.emit('silence', undefined);
    // While signalling reconnects, the server cannot be asked: `restartIce` follows the reconnect if it is needed.
    if (!this.#options.signalling.reconnecting) void this.#path.check();
  }

  /**
   * The age of the last packet from the server, in milliseconds: of expected media, or else the last RTCP report on what is
   * sent; undefined if none is expected.
   */
  #lastPacketAge(): number | undefined {
    const age = this.#subscriber.lastPacketAge((info) => this.#isExpected(info));
    if (age === undefined) return this.#feedback.poll();
    this.#feedback.pause();
    return age;
  }

  #expectedTrack(info: ConsumerInfo | undefined): ReturnType<QualityReports['trackOf']> {
    if (info?.peerId === undefined || !this.#isExpected(info)) return undefined;
    const { peerId, source } = info;
    const isVideo = source === 'camera' || source === 'screen';
    return {
      peerId,
      source,
      playoutDelay: this.#subscriber.playoutDelay / 1000,
      shownSize: isVideo ? this.#trackSettings.shownSize(peerId, source) : undefined,
    };
  }

  /** Whether media should arrive all the time: its peer is present, has not muted it, and it is shown. */
  #isExpected({ peerId, source }: ConsumerInfo): boolean {
    if (peerId === undefined || !this.#options.isExpected(peerId, source)) return false;
    return source === 'camera' || source === 'screen' ? this.#trackSettings.isVisible(peerId, source) : true;
  }

  async #counters(): Promise<LocalCounters> {
    const [send, recv] = await Promise.all([this.#transports.countSend(), this.#transports.countRecv()]);
    return { sent: send?.sent ?? 0, received: recv?.received ?? 0 };
  }
}
