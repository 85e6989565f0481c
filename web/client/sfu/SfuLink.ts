/** The media link over the SFU: one sending and one receiving mediasoup transport, and whether media gets through them. */
import type { Device, types } from 'mediasoup-client';
import { WeirError } from '../../../shared/errors.ts';
import type { Source, TransportInfo } from '../../../shared/media.ts';
import type { ConsumerInfo, Grants, ResumeReply, Welcome } from '../../../shared/protocol.ts';
import { Emitter } from '../Emitter.ts';
import type { MediaConnectionState } from '../events.ts';
import type {
  MediaLink,
  MediaLinkEvents,
  MediaLinkOptions,
  PublishedTrack,
  PublishOptions,
  ServerMediaState,
  VideoSettings,
  VideoSource,
} from '../MediaLink.ts';
import { countTransport, summarise, type TrackStats, type TransportReport } from '../stats.ts';
import { IceRestartPolicy } from './IceRestartPolicy.ts';
import { type LocalCounters, MediaPath } from './MediaPath.ts';
import { MediaSilenceDetector } from './MediaSilenceDetector.ts';
import { Publisher } from './Publisher.ts';
import { SendFeedback } from './SendFeedback.ts';
import { Subscriber } from './Subscriber.ts';
import { TrackSettingsReporter } from './TrackSettingsReporter.ts';

type Transport = types.Transport;

/** How long to wait before a receiving transport that could not be opened is requested again, in milliseconds. */
const REOPEN_DELAYS = [500, 1000, 2000, 4000];

export interface SfuLinkOptions extends MediaLinkOptions {
  /** Loaded with the RTP capabilities of the server. */
  readonly device: Device;
  /** The codecs that the server requests videos to be published with. */
  readonly video: Welcome['video'];
}

/**
 * It does not wait for the server if that can be avoided: callbacks of mediasoup-client are called at once, and an object
 * that the server refuses is closed.
 */
export class SfuLink extends Emitter<MediaLinkEvents> implements MediaLink {
  readonly #options: SfuLinkOptions;
  readonly #publisher: Publisher;
  readonly #subscriber: Subscriber;
  readonly #trackSettings: TrackSettingsReporter;
  readonly #restarts: IceRestartPolicy;
  readonly #path: MediaPath;
  readonly #silence: MediaSilenceDetector;
  readonly #feedback = new SendFeedback(() => count(this.#send));
  #send: Transport | undefined;
  #recv: Transport | undefined;
  /** The current right to send, and to receive: another symbol each time it is granted; undefined without it. */
  #sendRight: symbol | undefined = Symbol('send');
  #receiveRight: symbol | undefined = Symbol('recv');
  #opening = false;
  #reopenTimer: ReturnType<typeof setTimeout> | undefined;
  #wasConnected = false;
  #closed = false;

  constructor(options: SfuLinkOptions) {
    super();
    this.#options = options;
    const { device, video, signalling, reply } = options;
    const { request } = signalling;
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
      restart: () => this.#restartIce(),
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
    const { send, recv } = reply.transports;
    if (send) this.#createSendTransport(send);
    if (recv) this.#createRecvTransport(recv);
  }

  /** `lost` as soon as one transport has lost its connection, or media does not get through. */
  get connectionState(): MediaConnectionState {
    if (this.#path.lost) return 'lost';
    const states = [this.#send, this.#recv].map((transport) => transport?.connectionState);
    if (states.some((state) => state === 'disconnected' || state === 'failed')) return 'lost';
    return states.includes('connecting') ? 'connecting' : 'connected';
  }

  get wasConnected(): boolean {
    return this.#wasConnected;
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

  applyGrants(grants: Grants, server?: ServerMediaState): boolean {
    const before = this.connectionState;
    const maySend = grants.canPublish && (!server || server.transports.send === this.#send?.id);
    const wasRevoked = this.#publisher.applyGrants(maySend ? grants : { ...grants, canPublish: false });
    const isMissing = server !== undefined && this.#publisher.syncSources(server.sources);
    if (!maySend) this.#send = undefined;
    this.#sendRight = grants.canPublish ? (this.#sendRight ?? Symbol('send')) : undefined;
    if (!grants.canSubscribe || (server && server.transports.recv !== this.#recv?.id)) {
      this.#recv?.close();
      this.#recv = undefined;
      this.#subscriber.attach(undefined);
      clearTimeout(this.#reopenTimer);
    }
    this.#receiveRight = grants.canSubscribe ? (this.#receiveRight ?? Symbol('recv')) : undefined;
    if (grants.canSubscribe && !this.#recv) void this.#openReceiving();
    // A loss has ended with the transport that was lost.
    if (this.connectionState !== before) this.#onConnectionChanged();
    return wasRevoked || isMissing;
  }

  sync({ consumers, subscribedLayers }: Pick<ResumeReply, 'consumers' | 'subscribedLayers'>): void {
    this.#subscriber.sync(consumers);
    this.#publisher.syncSubscribedLayers(subscribedLayers);
    this.#trackSettings.resume();
  }

  restartIce(): void {
    this.#restarts.request();
  }

  async getStats(): Promise<TrackStats[]> {
    const [sent, received] = await Promise.all([this.#publisher.stats(), this.#subscriber.stats()]);
    return [...sent, ...received].map(summarise);
  }

  close(): void {
    this.#closed = true;
    clearTimeout(this.#reopenTimer);
    this.#silence.close();
    this.#restarts.close();
    this.#path.close();
    this.#trackSettings.close();
    this.#send?.close();
    this.#recv?.close();
    this.#publisher.close();
    this.#subscriber.close();
  }

  #createSendTransport(info: TransportInfo): Transport {
    const transport = this.#connect(this.#options.device.createSendTransport(toOptions(info)));
    this.#send = transport;
    this.#publisher.attach(transport);
    return transport;
  }

  #createRecvTransport(info: TransportInfo): void {
    this.#recv = this.#connect(this.#options.device.createRecvTransport(toOptions(info)));
    this.#subscriber.attach(this.#recv);
  }

  async #openSending(): Promise<Transport> {
    const right = this.#sendRight;
    const { transport } = await this.#options.signalling.request('openTransport', { direction: 'send' });
    if (this.#closed) throw new WeirError('closed');
    // The server has closed a transport together with the right that it was opened for, even if there is a new right.
    if (this.#sendRight !== right) throw new WeirError('forbidden', 'Your grants do not allow you to publish here.');
    return this.#createSendTransport(transport);
  }

  /** Requests a receiving transport until there is one, the right to receive ends, or requests have failed too often. */
  async #openReceiving(failures = 0): Promise<void> {
    clearTimeout(this.#reopenTimer);
    if (this.#opening) return;
    this.#opening = true;
    const right = this.#receiveRight;
    try {
      const { transport } = await this.#options.signalling.request('openTransport', { direction: 'recv' });
      this.#opening = false;
      if (this.#closed || !this.#receiveRight) return;
      // As for the sending transport.
      if (this.#receiveRight === right) this.#createRecvTransport(transport);
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

  #connect(transport: Transport): Transport {
    transport.on('connectionstatechange', (state) => {
      if (state === 'connected') this.#wasConnected = true;
      this.emit('connectionStateChanged', this.connectionState);
      if (state === 'failed' && !this.#wasConnected) this.#fail();
      else if (state === 'failed') this.#restarts.request();
      else this.#restarts.onConnectionChanged();
    });
    transport.on('connect', ({ dtlsParameters }, callback) => {
      const { request } = this.#options.signalling;
      request('connectTransport', { transportId: transport.id, dtlsParameters }).catch((error) => {
        // The server has closed it together with the right that it was opened for, or the session has ended.
        if (!transport.closed && WeirError.from(error).code !== 'closed') this.#fail();
      });
      callback();
    });
    return transport;
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
    const isExpected = ({ peerId, source }: ConsumerInfo) => {
      if (peerId === undefined || !this.#options.isExpected(peerId, source)) return false;
      return source === 'camera' || source === 'screen' ? this.#trackSettings.isVisible(peerId, source) : true;
    };
    const age = this.#subscriber.lastPacketAge(isExpected);
    if (age === undefined) return this.#feedback.poll();
    this.#feedback.pause();
    return age;
  }

  async #counters(): Promise<LocalCounters> {
    const [send, recv] = await Promise.all([count(this.#send), count(this.#recv)]);
    return { sent: send?.sent ?? 0, received: recv?.received ?? 0 };
  }

  async #restartIce(): Promise<void> {
    const { send, recv } = await this.#options.signalling.request('restartIce', {});
    await Promise.all([
      send && this.#send?.restartIce({ iceParameters: send }),
      recv && this.#recv?.restartIce({ iceParameters: recv }),
    ]);
  }
}

async function count(transport: Transport | undefined): Promise<TransportReport | undefined> {
  return transport && !transport.closed ? countTransport(await transport.getStats()) : undefined;
}

function toOptions({ transportId, ...rest }: TransportInfo) {
  return { id: transportId, ...rest };
}
