/** Owns one video as one peer receives it: a consumer that exists while it is shown, in the layer that is enough. */
import type { Consumer } from 'mediasoup/types';
import type { ConsumerInfo } from '../../shared/protocol.ts';
import { consumerParameters } from '../media/ConsumerFactory.ts';
import type { Lease } from '../media/RoomRouters.ts';
import { isClosed } from '../media/rethrowUnavailable.ts';
import type { Publication } from './Publication.ts';
import { Retries } from './Retries.ts';

/** How a video is wanted. */
export interface SubscriptionTarget {
  /** The highest spatial layer that is of use. */
  readonly layer: number;
  readonly priority: number;
  /** The viewer has not said how it shows the video. */
  readonly assumed?: boolean;
}

export interface VideoSubscriptionOptions {
  readonly publication: Publication;
  /** The router that its consumer is on. */
  readonly routerId: string;
  /** Makes a paused consumer that begins with that layer; undefined where this peer cannot have it. */
  open(layer: number): Promise<{ consumer: Consumer; lease: Lease } | undefined>;
  onOpened(info: ConsumerInfo): void;
  onClosed(consumerId: string): void;
  /** How long a consumer that nobody watches is kept paused, in milliseconds; 10 s where it is not given. */
  readonly linger?: number | undefined;
  /** The video has another size: it may be wanted in another way. */
  onResized(): void;
}

/** How long a consumer that nobody watches is kept paused by default, in milliseconds: coming back takes no SDP exchange then. */
const LINGER = 10_000;

export class VideoSubscription {
  readonly publication: Publication;
  readonly #options: VideoSubscriptionOptions;
  readonly #removeSizeListener: () => void;
  #target: SubscriptionTarget | undefined;
  #consumer: Consumer | undefined;
  #lease: Lease | undefined;
  /** The client can decode it. */
  #ready = false;
  #layer = -1;
  #priority = 1;
  #layerReduction = 0;
  #closed = false;
  #reconciling: Promise<void> | undefined;
  readonly #retries = new Retries();
  /** How often opening has failed since it worked, or was not wanted. */
  #failures = 0;
  #lingerTimer: NodeJS.Timeout | undefined;

  constructor(options: VideoSubscriptionOptions) {
    this.#options = options;
    this.publication = options.publication;
    this.#removeSizeListener = this.publication.onChange((track, before) => {
      if (track.size !== before.size || track.layers !== before.layers) options.onResized();
    });
  }

  get consumer(): Consumer | undefined {
    return this.#consumer;
  }

  get wanted(): boolean {
    return this.#target !== undefined;
  }

  get info(): ConsumerInfo | undefined {
    return this.#consumer && infoOf(this.#consumer, this.publication);
  }

  /** How it is shown from now on; undefined when it is not. Resolves when it is so, or will not be. */
  setTarget(wish: SubscriptionTarget | undefined): Promise<void> {
    this.#target = wish;
    // The publisher starts as early as can be, and stops when nobody here is in the way of it any more.
    if (wish && wish.layer >= this.#layer) this.#setDemand(wish);
    return this.#reconcile();
  }

  /**
   * Takes so many layers less while the receiver's link recovers from having got narrow; the publisher goes on for the
   * others. A change of layers also makes mediasoup share out anew what there is, which a new limit alone does not.
   */
  setLayerReduction(layers: number): Promise<void> {
    this.#layerReduction = layers;
    return this.#reconcile();
  }

  /** The client has made its end of the consumer. */
  ready(): Promise<void> {
    this.#ready = true;
    return this.#reconcile();
  }

  /** The producer has closed, which closes the consumer inside the worker: to ask for that as well would only fail. */
  producerClosed(): void {
    this.#end();
    if (this.#consumer) this.#onConsumerClosed(this.#consumer);
  }

  close(): void {
    this.#end();
    this.#consumer?.close();
  }

  #setDemand(target: SubscriptionTarget | undefined): void {
    this.publication.setDemand(this.#options.routerId, this, target?.layer, target?.assumed);
  }

  #end(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#target = undefined;
    clearTimeout(this.#lingerTimer);
    this.#retries.close();
    this.#removeSizeListener();
    this.#setDemand(undefined);
  }

  /** One step at a time, until all is as it is wanted. */
  #reconcile(): Promise<void> {
    this.#reconciling ??= this.#steps().finally(() => {
      this.#reconciling = undefined;
    });
    return this.#reconciling;
  }

  async #steps(): Promise<void> {
    for (let done = false; !done && !this.#closed; ) done = await this.#step();
  }

  /** @returns whether there was nothing to do */
  async #step(): Promise<boolean> {
    const wish = this.#target;
    const consumer = this.#consumer;
    if (!wish) return this.#pause(consumer);
    clearTimeout(this.#lingerTimer);
    this.#lingerTimer = undefined;
    if (!consumer) return this.#open(wish);
    // Layers first, while it is paused: resuming asks for one key frame then, of the right layer.
    const layer = Math.max(0, wish.layer - this.#layerReduction);
    if (this.#layer !== layer) {
      // What was lost of the higher layer would be sent again and again, into a queue that is full: pausing forgets it.
      if (this.#layerReduction > 0 && !consumer.paused) await settle(consumer.pause());
      await settle(consumer.setPreferredLayers({ spatialLayer: layer }));
      this.#layer = layer;
      // It has let go of the higher layers: so may the publisher.
      this.#setDemand(this.#target);
      return false;
    }
    if (this.#priority !== wish.priority) {
      this.#priority = wish.priority;
      await settle(consumer.setPriority(wish.priority));
      return false;
    }
    if (this.#ready && consumer.paused) {
      return !(await settle(consumer.resume()));
    }
    return true;
  }

  async #pause(consumer: Consumer | undefined): Promise<boolean> {
    if (consumer && !consumer.paused) await settle(consumer.pause());
    if (this.#target) return false;
    this.#retries.clear();
    this.#failures = 0;
    this.#setDemand(undefined);
    if (consumer) this.#lingerTimer ??= setTimeout(() => this.#dropConsumer(), this.#options.linger ?? LINGER);
    return true;
  }

  /** @returns true where there is nothing to be had, or not yet */
  async #open({ layer }: SubscriptionTarget): Promise<boolean> {
    if (this.#retries.pending) return true;
    const opened = await this.#options.open(layer).catch((error: unknown) => {
      if (!isClosed(error)) this.#retries.later(this.#failures, () => void this.#reconcile().catch(() => {}));
      this.#failures += 1;
      throw error;
    });
    this.#failures = 0;
    if (!opened) return true;
    const { consumer, lease } = opened;
    if (this.#closed || consumer.closed) {
      consumer.close();
      lease[Symbol.dispose]();
      return true;
    }
    this.#consumer = consumer;
    this.#lease = lease;
    this.#layer = layer;
    this.#priority = 1;
    this.#ready = false;
    consumer.observer.once('close', () => this.#onConsumerClosed(consumer));
    this.#options.onOpened(infoOf(consumer, this.publication));
    return false;
  }

  #dropConsumer(): void {
    clearTimeout(this.#lingerTimer);
    this.#lingerTimer = undefined;
    this.#consumer?.close();
  }

  #onConsumerClosed(consumer: Consumer): void {
    if (this.#consumer !== consumer) return;
    this.#consumer = undefined;
    this.#layer = -1;
    this.#lease?.[Symbol.dispose]();
    this.#lease = undefined;
    this.#options.onClosed(consumer.id);
  }
}

function infoOf(consumer: Consumer, { track: { peerId, source } }: Publication): ConsumerInfo {
  const { id: consumerId, producerId, kind } = consumer;
  return { consumerId, producerId, peerId, source, kind, rtpParameters: consumerParameters(consumer) };
}

/** @returns whether it worked; what fails has ended, and its end is told anyway */
function settle(call: Promise<void>): Promise<boolean> {
  return call.then(
    () => true,
    () => false,
  );
}
