/**
 * A media link without WebRTC: sends the server the requests that `SfuLink` sends, and draws each track that the server
 * offers in the page itself. Whoever is present and unmuted counts as speaking.
 */
import { opus, vp8 } from '../../../scripts/support/media/clientParameters.ts';
import { WeirError } from '../../../shared/errors.ts';
import { kindOf, type Source, sources } from '../../../shared/media.ts';
import type { ConsumerInfo, Grants } from '../../../shared/protocol.ts';
import { mayPublish } from '../../../shared/roles.ts';
import type { ConnectionStats } from '../../../web/client/connectionStats.ts';
import { Emitter } from '../../../web/client/Emitter.ts';
import type {
  MediaLink,
  MediaLinkEvents,
  MediaLinkOptions,
  PublishedTrack,
  PublishOptions,
  ServerMediaState,
  VideoSettings,
  VideoSource,
} from '../../../web/client/MediaLink.ts';
import type { QualityReports } from '../../../web/client/quality/QualitySample.ts';
import { requireTrack } from '../../../web/client/requireTrack.ts';
import { TrackSettingsReporter } from '../../../web/client/sfu/TrackSettingsReporter.ts';
import type { TrackStats } from '../../../web/client/stats.ts';
import { type DrawnTrack, drawnAudio, drawnVideo } from './drawnTrack.ts';

const SIZES = { camera: { width: 320, height: 180 }, screen: { width: 640, height: 360 } } as const;
const COLOURS = { camera: 'rgb(30 160 30)', screen: 'rgb(30 30 200)' } as const;
/** The level of whoever speaks, 0 to 1, and the frequency of the voice in hertz. */
const VOICE = { level: 0.5, frequency: 800 };
/** What the statistics say of each track, per second. */
const RATES = { frames: 10, packets: 50, bytes: 50_000 };

interface Publication extends PublishedTrack {
  readonly startedAt: number;
  muted: boolean;
  producerId?: string;
}

interface Consumer {
  readonly info: ConsumerInfo;
  readonly drawn: DrawnTrack;
  readonly startedAt: number;
}

export class DrawnMediaLink extends Emitter<MediaLinkEvents> implements MediaLink {
  readonly connectionState = 'connected';
  readonly wasConnected = true;
  readonly triedPaths = ['udp'] as const;
  readonly #options: MediaLinkOptions;
  readonly #published = new Map<Source, Publication>();
  readonly #consumers = new Map<string, Consumer>();
  readonly #trackSettings: TrackSettingsReporter;
  /** Transports that the server has for us. */
  #canSend: boolean;
  #canReceive: boolean;

  constructor(options: MediaLinkOptions) {
    super();
    this.#options = options;
    const { reply, signalling } = options;
    this.#canSend = reply.transports.send !== undefined;
    this.#canReceive = reply.transports.recv !== undefined;
    this.#trackSettings = new TrackSettingsReporter({
      send: (tracks) => signalling.request('updateTrackSettings', { tracks }),
      held: () => signalling.reconnecting,
    });
  }

  async publish(source: Source, track: MediaStreamTrack, options: PublishOptions): Promise<void> {
    requireTrack(source, track);
    if (this.#published.has(source)) throw new WeirError('conflict', `You already publish ${source}.`);
    const publication: Publication = { track, muted: options.muted ?? !track.enabled, startedAt: performance.now() };
    this.#published.set(source, publication);
    track.enabled = !publication.muted;
    track.addEventListener('ended', () => this.#trackEnded(source, track));
    try {
      await this.#openSending();
      if (this.#published.get(source) !== publication) return;
      const { producerId } = await this.#request('produce', {
        source,
        rtpParameters: kindOf[source] === 'audio' ? opus(source) : vp8(source),
        paused: publication.muted,
        ...((source === 'camera' || source === 'screen') && { size: SIZES[source] }),
      });
      publication.producerId = producerId;
    } catch (error) {
      if (this.#published.get(source) !== publication) return;
      this.#published.delete(source);
      throw error;
    }
  }

  async unpublish(source: Source): Promise<void> {
    if (!this.#published.delete(source)) return;
    await this.#request('closeProducer', { source }).catch((error) => {
      if (WeirError.from(error).code !== 'notFound') throw error;
    });
  }

  async replaceTrack(source: Source, track: MediaStreamTrack): Promise<void> {
    requireTrack(source, track);
    const former = this.#requirePublication(source);
    track.enabled = !former.muted;
    this.#published.set(source, { ...former, track });
    track.addEventListener('ended', () => this.#trackEnded(source, track));
  }

  async setMuted(source: Source, muted: boolean): Promise<void> {
    const publication = this.#requirePublication(source);
    publication.muted = muted;
    publication.track.enabled = !muted;
    await this.#request(muted ? 'pauseProducer' : 'resumeProducer', { source });
  }

  mutedByServer(source: Source): boolean {
    const publication = this.#published.get(source);
    if (!publication || publication.muted) return false;
    publication.muted = true;
    publication.track.enabled = false;
    return true;
  }

  stoppedByServer(source: Source, producerId: string): boolean {
    if (this.#published.get(source)?.producerId !== producerId) return false;
    this.#published.delete(source);
    this.emit('localTrackEnded', source);
    return true;
  }

  publishedTrack(source: Source): PublishedTrack | undefined {
    return this.#published.get(source);
  }

  /** Nothing is sent that could be limited. */
  setSubscribedLayer(): void {}

  async consume(consumers: readonly ConsumerInfo[]): Promise<void> {
    if (consumers.length === 0) return;
    for (const info of consumers) {
      const { consumerId, source, peerId, slot } = info;
      const isVideo = source === 'camera' || source === 'screen';
      const drawn = isVideo ? drawnVideo(SIZES[source], COLOURS[source]) : drawnAudio(VOICE.frequency);
      this.#consumers.set(consumerId, { info, drawn, startedAt: performance.now() });
      this.emit('trackAdded', { peerId, slot, source, track: drawn.track });
    }
    await this.#request('resumeConsumers', { consumerIds: consumers.map(({ consumerId }) => consumerId) }).catch(
      () => {},
    );
  }

  closeConsumers(consumerIds: readonly string[]): void {
    for (const id of consumerIds) {
      const consumer = this.#consumers.get(id);
      if (!consumer) continue;
      this.#consumers.delete(id);
      const { info, drawn } = consumer;
      this.emit('trackRemoved', { peerId: info.peerId, slot: info.slot, source: info.source, track: drawn.track });
      // As in `Subscriber`: a page may copy the last frame in this turn of the event loop.
      setTimeout(() => drawn.stop());
    }
  }

  /** Nothing is played later than it is drawn. */
  setPlayoutDelay(): void {}

  updateTrackSettings(peerId: string, source: VideoSource, settings: VideoSettings | undefined): void {
    this.#trackSettings.set(peerId, source, settings);
  }

  removePeer(peerId: string): void {
    this.#trackSettings.removePeer(peerId);
  }

  audioLevel(peerId: string): number {
    return this.#options.isExpected(peerId, 'microphone') ? VOICE.level : 0;
  }

  async sendData(): Promise<void> {
    throw new WeirError('unavailable', 'Nothing is sent from here.');
  }

  bufferedAmount(): number {
    return 0;
  }

  async bufferedAmountLow(): Promise<void> {}

  openData(): void {}

  dataRefused(): void {}

  dataClosed(): void {}

  applyGrants(grants: Grants, server?: ServerMediaState): boolean {
    const isOver = (source: Source) => !mayPublish(grants, source) || (server && !(source in server.sources));
    const ended = sources.filter((source) => this.#published.has(source) && isOver(source));
    for (const source of ended) {
      this.#published.delete(source);
      this.emit('localTrackEnded', source);
    }
    if (!grants.canPublish || (server && !server.transports.send)) this.#canSend = false;
    if (!grants.canSubscribe || (server && !server.transports.recv)) this.#canReceive = false;
    if (grants.canSubscribe && !this.#canReceive) {
      this.#canReceive = true;
      void this.#request('openTransport', { direction: 'recv' });
    }
    return ended.length > 0;
  }

  sync({ consumers }: Parameters<MediaLink['sync']>[0]): void {
    const current = new Set(consumers.map(({ consumerId }) => consumerId));
    this.closeConsumers([...this.#consumers.keys()].filter((id) => !current.has(id)));
    void this.consume(consumers.filter(({ consumerId }) => !this.#consumers.has(consumerId)));
    this.#trackSettings.resume();
  }

  /** There is no path that could be lost. */
  restartIce(): void {}

  async getStats(): Promise<TrackStats[]> {
    const now = performance.now();
    const sent = [...this.#published].map(([source, { muted, startedAt }]) => ({
      direction: 'send' as const,
      ...statsOf(source, muted ? 0 : now - startedAt),
    }));
    const received = [...this.#consumers.values()].map(({ info: { source, peerId, slot }, drawn, startedAt }) => ({
      direction: 'receive' as const,
      peerId,
      slot,
      ...statsOf(source, now - startedAt),
      ...(kindOf[source] === 'video' && { frames: drawn.frames() }),
    }));
    return [...sent, ...received];
  }

  /** As over a host candidate of the same network. */
  async getConnectionStats(): Promise<ConnectionStats[]> {
    const candidate = { candidateType: 'host', protocol: 'udp', address: '127.0.0.1' } as const;
    const pair = {
      local: { ...candidate, port: 50_000 },
      remote: { ...candidate, port: 44_400 },
      currentRoundTripTime: 0.001,
      bytesSent: 0,
      bytesReceived: 0,
    };
    const directions = [this.#canSend && ('send' as const), this.#canReceive && ('receive' as const)];
    return directions.flatMap((direction) => (direction ? [{ direction, state: 'connected', pair }] : []));
  }

  /** Nothing is known of what is drawn, so that it is well. */
  async getQualityReports(): Promise<QualityReports> {
    return { reports: { send: undefined, recv: undefined }, trackOf: () => undefined };
  }

  close(): void {
    this.#trackSettings.close();
    this.#published.clear();
    for (const { drawn } of this.#consumers.values()) drawn.stop();
    this.#consumers.clear();
  }

  get #request(): MediaLinkOptions['signalling']['request'] {
    return this.#options.signalling.request;
  }

  async #openSending(): Promise<void> {
    if (this.#canSend) return;
    this.#canSend = true;
    await this.#request('openTransport', { direction: 'send' });
  }

  #requirePublication(source: Source): Publication {
    const publication = this.#published.get(source);
    if (!publication) throw new WeirError('notFound', `You do not publish ${source}.`);
    return publication;
  }

  #trackEnded(source: Source, track: MediaStreamTrack): void {
    if (this.#published.get(source)?.track !== track) return;
    this.unpublish(source).catch(() => {});
    this.emit('localTrackEnded', source);
  }
}

/** The counters of a track that has been sent for this long, in milliseconds. */
function statsOf(source: Source, duration: number): Omit<TrackStats, 'direction'> {
  const isVideo = source === 'camera' || source === 'screen';
  const count = (rate: number) => Math.round((rate * duration) / 1000);
  const { width, height } = isVideo ? SIZES[source] : { width: undefined, height: undefined };
  return {
    source,
    bytes: count(RATES.bytes),
    packets: count(RATES.packets),
    packetsLost: 0,
    codec: isVideo ? 'video/VP8' : 'audio/opus',
    jitter: 0.004,
    currentRoundTripTime: 0.02,
    jitterBufferDelay: count(RATES.packets) * 0.1,
    jitterBufferEmittedCount: count(RATES.packets),
    ...(isVideo && {
      frames: count(RATES.frames),
      frameWidth: width,
      frameHeight: height,
      framesPerSecond: RATES.frames,
    }),
  };
}
