/** The video m-line of a player: one video after another, each by a consumer of its own with the same MID. */
import { priorityOf } from '../../media/layers.ts';
import type { ConsumerOpener } from '../../room/ConsumerOpener.ts';
import type { Publication } from '../../room/Publication.ts';
import { VideoSubscription } from '../../room/VideoSubscription.ts';
import { chooseVideo } from './chooseVideo.ts';

export interface PlayedVideoOptions {
  /** Opens consumers with the MID of the m-line. */
  readonly opener: ConsumerOpener;
  /** The router that the player receives its media from. */
  readonly routerId: string;
  /** The peer that is heard now. */
  speaker(): string | undefined;
}

/** For so long nothing else is shown because somebody else speaks, in milliseconds. */
const STEADY = 2000;

export class PlayedVideo {
  readonly #options: PlayedVideoOptions;
  /** In the order in which they were published. */
  readonly #candidates = new Set<Publication>();
  #subscription: VideoSubscription | undefined;
  #layerReduction = 0;
  #shownAt = Number.NEGATIVE_INFINITY;
  #steadyTimer: NodeJS.Timeout | undefined;
  // One listener each for all publications, so that they can be removed.
  readonly #onChange = () => this.update();
  readonly #onEnd = (publication: Publication) => this.#remove(publication);

  constructor(options: PlayedVideoOptions) {
    this.#options = options;
  }

  /** Shows a video, if it is the one to be shown. */
  add(publication: Publication): void {
    if (this.#candidates.has(publication) || !this.#options.opener.supports(publication)) return;
    this.#candidates.add(publication);
    publication.onChange(this.#onChange);
    publication.onEnd(this.#onEnd);
    this.update();
  }

  /** Shows what is to be shown now. */
  update(): void {
    clearTimeout(this.#steadyTimer);
    const shown = this.#subscription?.publication;
    const chosen = chooseVideo([...this.#candidates], shown, this.#options.speaker());
    if (chosen === shown) {
      this.#retarget();
      return;
    }
    const wait = shown && !shown.closed && !shown.track.paused ? this.#shownAt + STEADY - performance.now() : 0;
    if (wait > 0) this.#steadyTimer = setTimeout(() => this.update(), wait);
    else this.#show(chosen);
  }

  /** The link is congested: so many layers less; 0 when it has recovered. */
  setLayerReduction(layers: number): void {
    this.#layerReduction = layers;
    this.#subscription?.setLayerReduction(layers).catch(() => {});
  }

  /** Packets were lost: the path to the player has changed. */
  requestKeyFrame(): void {
    const consumer = this.#subscription?.consumer;
    // A step that fails has met the end of the consumer.
    if (consumer && !consumer.paused) consumer.requestKeyFrame().catch(() => {});
  }

  /** Shows nothing any more, and forgets all videos. */
  clear(): void {
    clearTimeout(this.#steadyTimer);
    for (const publication of this.#candidates) publication.removeListeners(this.#onChange, this.#onEnd);
    this.#candidates.clear();
    this.#show(undefined);
  }

  #remove(publication: Publication): void {
    this.#candidates.delete(publication);
    if (this.#subscription?.publication === publication) {
      this.#subscription.publicationEnded();
      this.#subscription = undefined;
    }
    this.update();
  }

  /** The former consumer ends first: two SSRCs of one m-line at a time are not to be told apart. */
  #show(publication: Publication | undefined): void {
    this.#subscription?.close();
    this.#subscription = undefined;
    if (!publication) return;
    this.#shownAt = performance.now();
    const { opener, routerId } = this.#options;
    const subscription: VideoSubscription = new VideoSubscription(publication, {
      routerId,
      opener,
      events: {
        // The player is ready for whatever comes.
        consumerOpened: () => void subscription.ready().catch(() => {}),
        consumerClosed() {},
      },
    });
    this.#subscription = subscription;
    void subscription.setLayerReduction(this.#layerReduction).catch(() => {});
    this.#retarget();
  }

  /** The bandwidth decides which layers are sent, up to the highest. */
  #retarget(): void {
    const subscription = this.#subscription;
    if (!subscription) return;
    const { source, layers } = subscription.publication.track;
    // A step that fails is tried again, or has met the end of its consumer.
    subscription.setTarget({ layer: layers - 1, priority: priorityOf(source, 'normal') }).catch(() => {});
  }
}
