/** What one peer receives, through one transport: videos as far as they are shown, and audio. */
import type { ConsumerInfo, ConsumerLayers, TrackSettings, UnsupportedCodec } from '../../shared/protocol.ts';
import type { AudioSlots } from '../media/audio/AudioSlots.ts';
import { AudioSubscriptions } from './AudioSubscriptions.ts';
import { ConsumerOpener, type ConsumerOpenerOptions, type SubscriptionEvents } from './ConsumerOpener.ts';
import type { Publication } from './Publication.ts';
import { VideoSubscriptions } from './VideoSubscriptions.ts';

export interface SubscriptionsOptions extends ConsumerOpenerOptions {
  /** Who receives. */
  readonly peerId: string;
  /** How many cameras are subscribed to before the client has reported how it shows them. */
  readonly initialVideoLimit: number;
  /** How long a consumer of a video that is not shown is kept paused, in milliseconds; 10 s by default. */
  readonly linger: number | undefined;
  readonly events: SubscriptionEvents;
}

export class Subscriptions {
  readonly #opener: ConsumerOpener;
  readonly #videos: VideoSubscriptions;
  readonly #audio: AudioSubscriptions;
  #closed = false;

  constructor(options: SubscriptionsOptions) {
    const { peerId, transport, router, initialVideoLimit, linger, events } = options;
    const opener = new ConsumerOpener(options);
    this.#opener = opener;
    this.#videos = new VideoSubscriptions({ opener, events, routerId: router.id, initialVideoLimit, linger });
    this.#audio = new AudioSubscriptions({ peerId, opener, events });
    transport.observer.once('close', () => this.close());
  }

  /** All consumers that there are. */
  get consumers(): ConsumerInfo[] {
    return [...this.#videos.consumers, ...this.#audio.consumers];
  }

  /** The layers that are forwarded now, by video. */
  get layers(): ConsumerLayers[] {
    return this.#videos.layers;
  }

  /** What the client is not sent because it cannot decode it. */
  get unsupportedCodecs(): UnsupportedCodec[] {
    return this.#opener.unsupportedCodecs;
  }

  /**
   * Subscribes to a track, as far as the client shows and can decode it; repeating does nothing.
   * @throws what keeps the worker from opening a consumer; it is tried again
   */
  async subscribe(publication: Publication): Promise<void> {
    if (this.#closed || publication.closed || !this.#opener.supports(publication)) return;
    await (publication.track.kind === 'audio' ? this.#audio : this.#videos).subscribe(publication);
  }

  /** Ends the subscription to a track, until it is subscribed to again. */
  unsubscribe(publication: Publication): void {
    (publication.track.kind === 'audio' ? this.#audio : this.#videos).unsubscribe(publication);
  }

  /** How these videos are shown from now on. */
  updateTrackSettings(tracks: readonly TrackSettings[]): void {
    this.#videos.updateTrackSettings(tracks);
  }

  /** These tracks arrive directly, as `trackKey` names them: they are not sent. All others are, at once. */
  setDirectTracks(tracks: ReadonlySet<string>): void {
    this.#videos.setDirectTracks(tracks);
    this.#audio.setDirectTracks(tracks);
  }

  /** Removes the settings for the videos of a peer that has left. */
  removePeer(peerId: string): void {
    this.#videos.removePeer(peerId);
  }

  /**
   * The client has created its ends of these consumers.
   * @returns how many of them are this peer's
   */
  async ready(consumerIds: ReadonlySet<string>): Promise<number> {
    const [videos, audio] = await Promise.all([this.#videos.ready(consumerIds), this.#audio.ready(consumerIds)]);
    return videos + audio;
  }

  /** As `AudioSubscriptions.subscribeSlots`. */
  subscribeSlots(slots: AudioSlots): Promise<void> {
    return this.#audio.subscribeSlots(slots);
  }

  /** As `AudioSubscriptions.unsubscribeSlots`. */
  unsubscribeSlots(): Promise<void> {
    return this.#audio.unsubscribeSlots();
  }

  /** Whether the bandwidth to the client is not enough for the layers of its videos. */
  get isLimited(): boolean {
    return this.#videos.isLimited;
  }

  /** The link is congested: so many layers less of each video; 0 when it has recovered. */
  setLayerReduction(layers: number): void {
    this.#videos.setLayerReduction(layers);
  }

  /** Requests a key frame of every video that is being sent. */
  requestKeyFrames(): void {
    this.#videos.requestKeyFrames();
  }

  /** Ends all subscriptions; what is offered afterwards is subscribed to again. */
  unsubscribeAll(): void {
    this.#videos.close();
    this.#audio.unsubscribeAll();
    this.#opener.clearUnsupported();
  }

  close(): void {
    this.#closed = true;
    this.#videos.close();
    this.#audio.close();
    this.#opener.clearUnsupported();
  }
}
