/** The videos that one peer receives: each in the layer that is enough for how the client has reported to show it. */
import type { ConsumerInfo, ConsumerLayers, TrackSettings } from '../../shared/protocol.ts';
import { layerForQuality, layerForSize, priorityOf } from '../media/layers.ts';
import { type Track, trackKey } from '../media/Track.ts';
import type { Publication } from './Publication.ts';
import { type SubscriptionTarget, VideoSubscription, type VideoSubscriptionOptions } from './VideoSubscription.ts';

export interface VideoSubscriptionsOptions extends VideoSubscriptionOptions {
  /** How many cameras are subscribed to before the client has reported how it shows them. */
  readonly initialVideoLimit: number;
}

/** How many settings are kept: the latest are those that matter, and a client may name any number of peers. */
const MAX_TRACK_SETTINGS = 2048;

export class VideoSubscriptions {
  readonly #options: VideoSubscriptionsOptions;
  /** By peer and source. */
  readonly #subscriptions = new Map<string, VideoSubscription>();
  /** The videos that arrive directly, by peer and source. */
  #direct: ReadonlySet<string> = new Set();
  /** How videos are shown, by peer and source; also those that are not published yet. */
  readonly #trackSettings = new Map<string, TrackSettings>();
  // One listener for all publications: there are many, and each closure would cost as much as the rest of a subscription.
  readonly #onTrackChange = (track: Track, before: Track) => {
    const subscription = this.#subscriptions.get(trackKey(track));
    if (subscription && track.pathChanges !== before.pathChanges) requestKeyFrame(subscription);
    if (subscription && (track.size !== before.size || track.layers !== before.layers)) this.#retarget(subscription);
  };
  readonly #onPublicationEnd = (publication: Publication) => {
    const key = trackKey(publication.track);
    const subscription = this.#subscriptions.get(key);
    if (subscription?.publication !== publication) return;
    this.#subscriptions.delete(key);
    subscription.publicationEnded();
  };

  constructor(options: VideoSubscriptionsOptions) {
    this.#options = options;
  }

  get consumers(): ConsumerInfo[] {
    return [...this.#subscriptions.values()].flatMap(({ info }) => info ?? []);
  }

  get layers(): ConsumerLayers[] {
    return [...this.#subscriptions.values()].flatMap(({ currentLayers }) => currentLayers ?? []);
  }

  /**
   * Subscribes to a video; repeating does nothing.
   * @returns when there is a consumer, or is none to be had
   * @throws what keeps the worker from opening a consumer
   */
  async subscribe(publication: Publication): Promise<void> {
    const key = trackKey(publication.track);
    const known = this.#subscriptions.get(key);
    if (known?.publication === publication) return;
    if (known) this.#close(known);
    const subscription = new VideoSubscription(publication, this.#options);
    // Without a target yet, so that there is nothing to do.
    void subscription.setDirect(this.#direct.has(key));
    this.#subscriptions.set(key, subscription);
    publication.onChange(this.#onTrackChange);
    publication.onEnd(this.#onPublicationEnd);
    await subscription.setTarget(this.#targetFor(subscription));
  }

  /** Ends the subscription to a video, until it is subscribed to again. */
  unsubscribe(publication: Publication): void {
    const key = trackKey(publication.track);
    const subscription = this.#subscriptions.get(key);
    if (subscription?.publication !== publication) return;
    this.#subscriptions.delete(key);
    this.#close(subscription);
  }

  /** How these videos are shown from now on. */
  updateTrackSettings(tracks: readonly TrackSettings[]): void {
    for (const settings of tracks) {
      const key = trackKey(settings);
      this.#trackSettings.delete(key);
      this.#trackSettings.set(key, settings);
      const [oldest] = this.#trackSettings.keys();
      if (oldest !== undefined && this.#trackSettings.size > MAX_TRACK_SETTINGS) this.#trackSettings.delete(oldest);
      const subscription = this.#subscriptions.get(key);
      if (subscription) this.#retarget(subscription);
    }
  }

  /** These videos arrive directly, as `trackKey` names them: they are not sent. All others are. */
  setDirectTracks(tracks: ReadonlySet<string>): void {
    this.#direct = tracks;
    for (const [key, subscription] of this.#subscriptions) {
      // A step that fails has met the end of its consumer, of which the client is notified.
      subscription.setDirect(tracks.has(key)).catch(() => {});
    }
  }

  /** Removes the settings for the videos of a peer that has left. */
  removePeer(peerId: string): void {
    for (const [key, settings] of this.#trackSettings) {
      if (settings.peerId === peerId) this.#trackSettings.delete(key);
    }
  }

  /**
   * The client has created its ends of these consumers.
   * @returns how many of them are consumers of videos
   */
  async ready(consumerIds: ReadonlySet<string>): Promise<number> {
    const subscriptions = [...this.#subscriptions.values()].filter(
      ({ consumer }) => consumer && consumerIds.has(consumer.id),
    );
    await Promise.allSettled(subscriptions.map((subscription) => subscription.ready()));
    return subscriptions.length;
  }

  /** Whether the bandwidth to the client is not enough for a video, see `VideoSubscription.isLimited`. */
  get isLimited(): boolean {
    return [...this.#subscriptions.values()].some((subscription) => subscription.isLimited);
  }

  /** As `VideoSubscription.setLayerReduction`, for all videos. */
  setLayerReduction(layers: number): void {
    for (const subscription of this.#subscriptions.values()) subscription.setLayerReduction(layers).catch(() => {});
  }

  /** Requests a key frame of every video that is being sent. */
  requestKeyFrames(): void {
    for (const subscription of this.#subscriptions.values()) requestKeyFrame(subscription);
  }

  /** Ends all subscriptions; how videos are shown is kept. */
  close(): void {
    for (const subscription of this.#subscriptions.values()) this.#close(subscription);
    this.#subscriptions.clear();
  }

  #close(subscription: VideoSubscription): void {
    subscription.publication.removeListeners(this.#onTrackChange, this.#onPublicationEnd);
    subscription.close();
  }

  #retarget(subscription: VideoSubscription): void {
    // A step that fails has met the end of its consumer, of which the client is notified.
    subscription.setTarget(this.#targetFor(subscription)).catch(() => {});
  }

  /** Without settings for it, a video is shown while there are fewer cameras than the limit. */
  #targetFor(subscription: VideoSubscription): SubscriptionTarget | undefined {
    const { track } = subscription.publication;
    const { source, size, layers } = track;
    const settings = this.#trackSettings.get(trackKey(track));
    if (!settings) {
      // A shared screen is what everyone is there for: it has no limit.
      if (source === 'camera' && this.#hasInitialCameras(subscription)) return undefined;
      return { layer: layers - 1, priority: priorityOf(source, 'normal'), assumed: true };
    }
    if (settings.width === 0 || settings.height === 0) return undefined;
    return {
      layer: settings.quality ? layerForQuality(settings.quality, layers) : layerForSize(settings, size, layers),
      priority: priorityOf(source, settings.priority ?? 'normal'),
    };
  }

  /** Whether as many cameras as the limit are shown already, besides `subscription`. */
  #hasInitialCameras(subscription: VideoSubscription): boolean {
    const others = [...this.#subscriptions.values()].filter(
      (other) => other !== subscription && other.wanted && other.publication.track.source === 'camera',
    );
    return others.length >= this.#options.initialVideoLimit;
  }
}

function requestKeyFrame({ consumer }: VideoSubscription): void {
  // A step that fails has met the end of the consumer.
  if (consumer && !consumer.paused) consumer.requestKeyFrame().catch(() => {});
}
