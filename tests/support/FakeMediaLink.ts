/** A media link without media: records the calls of RoomClient, and emits events on behalf of a test. */
import type { Source } from '../../shared/media.ts';
import type { ConnectionStats } from '../../web/client/connectionStats.ts';
import { Emitter } from '../../web/client/Emitter.ts';
import type { MediaConnectionState } from '../../web/client/events.ts';
import type {
  MediaLink,
  MediaLinkEvents,
  MediaLinkOptions,
  OutgoingData,
  PublishedTrack,
  ServerMediaState,
} from '../../web/client/MediaLink.ts';
import type { QualityReports } from '../../web/client/quality/QualitySample.ts';
import type { TrackStats } from '../../web/client/stats.ts';

export class FakeMediaLink extends Emitter<MediaLinkEvents> implements MediaLink {
  /** Names and arguments of all method calls, in order. */
  readonly calls: [method: string, ...args: unknown[]][] = [];
  readonly published = new Map<Source, PublishedTrack>();
  readonly options: MediaLinkOptions;
  connectionState: MediaConnectionState = 'connecting';
  wasConnected = false;
  readonly triedPaths = ['udp'] as const;
  closed = false;
  /** If set, `publish` and `setMuted` return it; otherwise they resolve at once. */
  pending: Promise<void> | undefined;
  /** What `applyGrants` returns. */
  endsPublished = false;
  /** Called in `sync`, for links that add tracks then. */
  onSync = () => {};

  constructor(options: MediaLinkOptions) {
    super();
    this.options = options;
  }

  override emit<E extends keyof MediaLinkEvents>(event: E, data: MediaLinkEvents[E]): void {
    super.emit(event, data);
  }

  /** The arguments of every call of this method. */
  callsOf(method: string): unknown[][] {
    return this.calls.filter(([name]) => name === method).map(([, ...args]) => args);
  }

  async publish(source: Source, track: MediaStreamTrack): Promise<void> {
    this.calls.push(['publish', source, track]);
    await this.pending;
    this.published.set(source, { track, muted: false });
  }

  async unpublish(source: Source): Promise<void> {
    this.calls.push(['unpublish', source]);
    this.published.delete(source);
  }

  async replaceTrack(source: Source, track: MediaStreamTrack): Promise<void> {
    this.calls.push(['replaceTrack', source, track]);
    this.published.set(source, { track, muted: false });
  }

  async setMuted(source: Source, muted: boolean): Promise<void> {
    this.calls.push(['setMuted', source, muted]);
    const { track, muted: before } = this.published.get(source) ?? {};
    if (!track) return;
    this.published.set(source, { track, muted });
    try {
      await this.pending;
    } catch (error) {
      this.published.set(source, { track, muted: before ?? false });
      throw error;
    }
  }

  mutedByServer(source: Source): boolean {
    this.calls.push(['mutedByServer', source]);
    const { track, muted } = this.published.get(source) ?? {};
    if (track) this.published.set(source, { track, muted: true });
    return muted === false;
  }

  stoppedByServer(source: Source, producerId: string): boolean {
    this.calls.push(['stoppedByServer', source, producerId]);
    return this.published.delete(source);
  }

  publishedTrack(source: Source): PublishedTrack | undefined {
    return this.published.get(source);
  }

  setSubscribedLayer(limit: unknown): void {
    this.calls.push(['setSubscribedLayer', limit]);
  }

  async consume(consumers: unknown): Promise<void> {
    this.calls.push(['consume', consumers]);
  }

  closeConsumers(consumerIds: unknown): void {
    this.calls.push(['closeConsumers', consumerIds]);
  }

  setPlayoutDelay(delay: number): void {
    this.calls.push(['setPlayoutDelay', delay]);
  }

  updateTrackSettings(peerId: string, source: Source, settings: unknown): void {
    this.calls.push(['updateTrackSettings', peerId, source, settings]);
  }

  removePeer(peerId: string): void {
    this.calls.push(['removePeer', peerId]);
  }

  audioLevel(peerId: string, slot: number | undefined): number {
    this.calls.push(['audioLevel', peerId, slot]);
    return 0.5;
  }

  async sendData(message: OutgoingData): Promise<void> {
    this.calls.push(['sendData', message]);
    await this.pending;
  }

  bufferedAmount(): number {
    return 0;
  }

  async bufferedAmountLow(): Promise<void> {}

  openData(): void {
    this.calls.push(['openData']);
  }

  dataRefused(refusal: Parameters<MediaLink['dataRefused']>[0]): void {
    this.calls.push(['dataRefused', refusal]);
  }

  dataClosed(closure: Parameters<MediaLink['dataClosed']>[0]): void {
    this.calls.push(['dataClosed', closure]);
  }

  applyGrants(grants: unknown, server?: ServerMediaState): boolean {
    this.calls.push(['applyGrants', grants, server && { transports: server.transports, sources: server.sources }]);
    return this.endsPublished;
  }

  sync({ consumers, subscribedLayers }: Parameters<MediaLink['sync']>[0]): void {
    this.calls.push(['sync', consumers, subscribedLayers]);
    this.onSync();
  }

  restartIce(): void {
    this.calls.push(['restartIce']);
  }

  async getStats(): Promise<TrackStats[]> {
    return [];
  }

  async getConnectionStats(): Promise<ConnectionStats[]> {
    return [];
  }

  async getQualityReports(): Promise<QualityReports> {
    return { reports: { send: undefined, recv: undefined }, trackOf: () => undefined };
  }

  close(): void {
    this.closed = true;
  }
}
