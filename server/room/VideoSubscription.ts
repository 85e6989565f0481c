/** One video as one peer receives it: a consumer that exists while it is shown, in the layer that is enough. */
import type { ConsumerInfo, ConsumerLayers } from '../../shared/protocol.ts';
import { consumerParameters, type MediaConsumer } from '../media/ConsumerFactory.ts';
import { isClosed } from '../media/rethrowUnavailable.ts';
import type { ConsumerOpener, OpenedConsumer, SubscriptionEvents } from './ConsumerOpener.ts';
import type { Publication } from './Publication.ts';
import { Retries } from './Retries.ts';

/** How a video is to be received. */
export interface SubscriptionTarget {
  /** The highest spatial layer that is of use, from 0. */
  readonly layer: number;
  /** As `consumer.setPriority` takes it. */
  readonly priority: number;
  /** The client has not reported how it shows the video. */
  readonly assumed?: boolean;
}

/** The same for all videos that one peer receives. */
export interface VideoSubscriptionOptions {
  /** The router that the peer receives its media from. */
  readonly routerId: string;
  readonly opener: Pick<ConsumerOpener, 'open'>;
  readonly events: Pick<SubscriptionEvents, 'consumerOpened' | 'consumerClosed'>;
  /** How long a consumer that is not shown is kept paused, in milliseconds; 10 s by default. */
  readonly linger?: number | undefined;
}

/**
 * How long a consumer that is not shown is kept paused by default, in milliseconds: showing it again takes no SDP
 * exchange.
 */
const LINGER = 10_000;
/** The score (0 to 10) from which on a layer arrives well: mediasoup leaves those that lose packets on the way from their publisher. */
const GOOD_SCORE = 8;

export class VideoSubscription {
  readonly publication: Publication;
  readonly #options: VideoSubscriptionOptions;
  readonly #retries = new Retries();
  #target: SubscriptionTarget | undefined;
  #opened: OpenedConsumer | undefined;
  /** The client has created its end of the consumer. */
  #ready = false;
  /** What the consumer is set to; -1 without a consumer. */
  #layer = -1;
  #priority = 1;
  #layerReduction = 0;
  /** The video arrives directly. */
  #direct = false;
  #reconciling: Promise<void> | undefined;
  /** What is wanted may have changed since the last step began. */
  #changed = false;
  /** How often opening has failed since it succeeded, or since the video was not shown. */
  #failures = 0;
  #lingerTimer: NodeJS.Timeout | undefined;
  #closed = false;

  /** There is one for each video of each peer, and thousands of them: it shares `options`, and registers no closures. */
  constructor(publication: Publication, options: VideoSubscriptionOptions) {
    this.publication = publication;
    this.#options = options;
  }

  get consumer(): MediaConsumer | undefined {
    return this.#opened?.consumer;
  }

  /** Whether the video is shown. */
  get wanted(): boolean {
    return this.#target !== undefined;
  }

  /**
   * Whether a lower layer is sent than is wanted although the wanted one arrives here: the bandwidth to the client is not
   * enough. Of SVC, which has all layers in one stream, it is unknown which of them arrive.
   */
  get isLimited(): boolean {
    const { consumer } = this;
    if (!consumer?.preferredLayers || consumer.paused || !this.wanted) return false;
    const { preferredLayers, currentLayers, score } = consumer;
    const { spatialLayer } = preferredLayers;
    const scores = score?.producerScores ?? [];
    return (
      scores.length > 1 &&
      (scores[spatialLayer] ?? 0) >= GOOD_SCORE &&
      (currentLayers?.spatialLayer ?? -1) < spatialLayer
    );
  }

  /** The layers that are forwarded now; undefined while none is, and of a video that has no layers. */
  get currentLayers(): ConsumerLayers | undefined {
    const layers = this.consumer?.currentLayers;
    const { peerId, source } = this.publication.track;
    if (!layers || (source !== 'camera' && source !== 'screen')) return undefined;
    return { peerId, source, ...layers };
  }

  get info(): ConsumerInfo | undefined {
    return this.consumer && infoOf(this.consumer, this.publication);
  }

  /**
   * How the video is to be received from now on; undefined when it is not shown.
   * @returns when it is received so, or will not be
   * @throws what keeps the worker from opening a consumer; it is tried again
   */
  setTarget(target: SubscriptionTarget | undefined): Promise<void> {
    this.#target = target;
    // The publisher starts a layer as early as possible; it stops one only when this consumer has left it, see `#step`.
    if (target && target.layer >= this.#layer && !this.#direct) this.#setDemand(target);
    return this.#reconcile();
  }

  /**
   * Whether the video arrives directly from its publisher: then its consumer is kept, paused, and nothing is demanded.
   * Resuming it requests a key frame.
   */
  setDirect(direct: boolean): Promise<void> {
    if (this.#direct === direct) return Promise.resolve();
    this.#direct = direct;
    if (!direct) this.#setDemand(this.#target);
    return this.#reconcile();
  }

  /**
   * Takes so many layers off while the link recovers from congestion; the publisher goes on sending them for others. A
   * change of layers also makes mediasoup distribute the available bitrate anew, which a new limit alone does not.
   */
  setLayerReduction(layers: number): Promise<void> {
    this.#layerReduction = layers;
    return this.#reconcile();
  }

  /** The client has created its end of the consumer. */
  ready(): Promise<void> {
    this.#ready = true;
    return this.#reconcile();
  }

  /** The track has ended, which closes the consumer inside the worker: a request to close it would only fail. */
  publicationEnded(): void {
    this.#end();
    if (this.#opened) this.#onConsumerClosed(this.#opened);
  }

  close(): void {
    this.#end();
    this.consumer?.close();
  }

  #end(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#target = undefined;
    clearTimeout(this.#lingerTimer);
    this.#retries.close();
    this.#setDemand(undefined);
  }

  #setDemand(target: SubscriptionTarget | undefined): void {
    this.publication.setDemand(this.#options.routerId, this, target?.layer, target?.assumed);
  }

  /** Runs one step at a time until everything is as it should be. */
  #reconcile(): Promise<void> {
    this.#changed = true;
    this.#reconciling ??= this.#steps();
    return this.#reconciling;
  }

  async #steps(): Promise<void> {
    try {
      // A step decides some microtasks before its promise resolves: what has changed in between takes another step.
      for (let done = false; (!done || this.#changed) && !this.#closed; ) {
        this.#changed = false;
        done = await this.#step();
      }
    } finally {
      // In the same turn as the last comparison, so that a later change starts another run.
      this.#reconciling = undefined;
    }
  }

  /** @returns whether nothing is left to do */
  async #step(): Promise<boolean> {
    const target = this.#target;
    const { consumer } = this;
    if (!target) return this.#pause(consumer);
    clearTimeout(this.#lingerTimer);
    this.#lingerTimer = undefined;
    if (!consumer) return this.#open(target);
    if (this.#direct) return this.#holdPaused(consumer);
    // The layer first, while the consumer is paused: resuming it then requests one key frame, of the right layer.
    const layer = Math.max(0, target.layer - this.#layerReduction);
    if (this.#layer !== layer) {
      // Lost packets of the higher layer would be retransmitted into a queue that is full: pausing makes mediasoup drop
      // them.
      if (this.#layerReduction > 0 && !consumer.paused) await succeeds(consumer.pause());
      await succeeds(consumer.setPreferredLayers({ spatialLayer: layer }));
      this.#layer = layer;
      // The consumer has left the higher layers: now the publisher may stop them.
      this.#setDemand(this.#target);
      return false;
    }
    if (this.#priority !== target.priority) {
      this.#priority = target.priority;
      await succeeds(consumer.setPriority(target.priority));
      return false;
    }
    if (this.#ready && consumer.paused) return !(await succeeds(consumer.resume()));
    return true;
  }

  async #pause(consumer: MediaConsumer | undefined): Promise<boolean> {
    if (consumer && !consumer.paused) await succeeds(consumer.pause());
    if (this.#target) return false;
    this.#retries.clear();
    this.#failures = 0;
    this.#setDemand(undefined);
    if (consumer && !this.#closed) {
      this.#lingerTimer ??= setTimeout(() => consumer.close(), this.#options.linger ?? LINGER);
    }
    return true;
  }

  /** Keeps the consumer without sending anything, so that it can continue at once. */
  async #holdPaused(consumer: MediaConsumer): Promise<boolean> {
    if (!consumer.paused) await succeeds(consumer.pause());
    if (!this.#target || !this.#direct) return false;
    this.#setDemand(undefined);
    return true;
  }

  /** @returns true where there is no consumer to be had, or not yet */
  async #open({ layer }: SubscriptionTarget): Promise<boolean> {
    if (this.#retries.pending) return true;
    let opened: OpenedConsumer | undefined;
    try {
      opened = await this.#options.opener.open(this.publication, layer);
    } catch (error) {
      // It has been hidden meanwhile: the next step ends its demand.
      if (!this.#target) return false;
      if (!isClosed(error)) this.#retries.later(this.#failures, () => void this.#reconcile().catch(() => {}));
      this.#failures += 1;
      throw error;
    }
    this.#failures = 0;
    if (!opened) return true;
    const { consumer, lease } = opened;
    if (this.#closed || consumer.closed) {
      consumer.close();
      lease[Symbol.dispose]();
      return true;
    }
    this.#opened = opened;
    this.#layer = layer;
    this.#priority = 1;
    this.#ready = false;
    consumer.observer.once('close', () => this.#onConsumerClosed(opened));
    this.#options.events.consumerOpened(infoOf(consumer, this.publication));
    return false;
  }

  #onConsumerClosed(opened: OpenedConsumer): void {
    if (this.#opened !== opened) return;
    this.#opened = undefined;
    this.#layer = -1;
    clearTimeout(this.#lingerTimer);
    this.#lingerTimer = undefined;
    opened.lease[Symbol.dispose]();
    this.#options.events.consumerClosed(opened.consumer.id);
  }
}

function infoOf(consumer: MediaConsumer, { track: { peerId, source } }: Publication): ConsumerInfo {
  const { id: consumerId, producerId, kind } = consumer;
  return { consumerId, producerId, peerId, source, kind, rtpParameters: consumerParameters(consumer) };
}

/**
 * Whether a request succeeds; one that fails has met the end of its consumer, of which the client is notified anyway.
 */
function succeeds(request: Promise<void>): Promise<boolean> {
  return request.then(
    () => true,
    () => false,
  );
}
