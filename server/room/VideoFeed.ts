/** Owns one video as one peer receives it: a consumer that exists while it is shown, in the layer that is enough. */
import type { Consumer } from 'mediasoup/types';
import type { ConsumerInfo } from '../../shared/protocol.ts';
import { isClosed } from '../media/available.ts';
import type { Lease } from '../media/Pipes.ts';
import { consumerParameters } from '../media/receiving.ts';
import type { Publication } from './Publication.ts';
import { Retries } from './Retries.ts';

/** How a video is wanted. */
export interface Wish {
  /** The highest spatial layer that is of use. */
  readonly layer: number;
  readonly priority: number;
  /** The viewer has not said how it shows the video. */
  readonly assumed?: boolean;
}

export interface VideoFeedOptions {
  readonly publication: Publication;
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

export class VideoFeed {
  readonly publication: Publication;
  readonly #options: VideoFeedOptions;
  readonly #ignoreSize: () => void;
  #wish: Wish | undefined;
  #consumer: Consumer | undefined;
  #lease: Lease | undefined;
  /** The client can decode it. */
  #ready = false;
  #layer = -1;
  #priority = 1;
  #less = 0;
  #closed = false;
  #working: Promise<void> | undefined;
  readonly #retries = new Retries();
  /** How often opening has failed since it worked, or was not wanted. */
  #failures = 0;
  #lingering: NodeJS.Timeout | undefined;

  constructor(options: VideoFeedOptions) {
    this.#options = options;
    this.publication = options.publication;
    this.#ignoreSize = this.publication.onResized(() => options.onResized());
  }

  get consumer(): Consumer | undefined {
    return this.#consumer;
  }

  get wanted(): boolean {
    return this.#wish !== undefined;
  }

  get info(): ConsumerInfo | undefined {
    return this.#consumer && infoOf(this.#consumer, this.publication);
  }

  /** How it is shown from now on; undefined when it is not. Resolves when it is so, or will not be. */
  want(wish: Wish | undefined): Promise<void> {
    this.#wish = wish;
    // The publisher starts as early as can be, and stops when nobody here is in the way of it any more.
    if (wish && wish.layer >= this.#layer) this.publication.want(this, wish.layer, wish.assumed);
    return this.#work();
  }

  /**
   * Takes so many layers less while the receiver's link recovers from having got narrow; the publisher goes on for the
   * others. A change of layers also makes mediasoup share out anew what there is, which a new limit alone does not.
   */
  setLess(layers: number): Promise<void> {
    this.#less = layers;
    return this.#work();
  }

  /** The client has made its end of the consumer. */
  ready(): Promise<void> {
    this.#ready = true;
    return this.#work();
  }

  /** The producer has closed, which closes the consumer inside the worker: to ask for that as well would only fail. */
  producerClosed(): void {
    this.#end();
    if (this.#consumer) this.#gone(this.#consumer);
  }

  close(): void {
    this.#end();
    this.#consumer?.close();
  }

  #end(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#wish = undefined;
    clearTimeout(this.#lingering);
    this.#retries.close();
    this.#ignoreSize();
    this.publication.want(this, undefined);
  }

  /** One step at a time, until all is as it is wanted. */
  #work(): Promise<void> {
    this.#working ??= this.#steps().finally(() => {
      this.#working = undefined;
    });
    return this.#working;
  }

  async #steps(): Promise<void> {
    for (let done = false; !done && !this.#closed; ) done = await this.#step();
  }

  /** @returns whether there was nothing to do */
  async #step(): Promise<boolean> {
    const wish = this.#wish;
    const consumer = this.#consumer;
    if (!wish) return this.#rest(consumer);
    clearTimeout(this.#lingering);
    this.#lingering = undefined;
    if (!consumer) return this.#open(wish);
    // Layers first, while it is paused: resuming asks for one key frame then, of the right layer.
    const layer = Math.max(0, wish.layer - this.#less);
    if (this.#layer !== layer) {
      // What was lost of the higher layer would be sent again and again, into a queue that is full: pausing forgets it.
      if (this.#less > 0 && !consumer.paused) await quietly(consumer.pause());
      await quietly(consumer.setPreferredLayers({ spatialLayer: layer }));
      this.#layer = layer;
      // It has let go of the higher layers: so may the publisher.
      this.publication.want(this, this.#wish?.layer, this.#wish?.assumed);
      return false;
    }
    if (this.#priority !== wish.priority) {
      this.#priority = wish.priority;
      await quietly(consumer.setPriority(wish.priority));
      return false;
    }
    if (this.#ready && consumer.paused) {
      return !(await quietly(consumer.resume()));
    }
    return true;
  }

  async #rest(consumer: Consumer | undefined): Promise<boolean> {
    if (consumer && !consumer.paused) await quietly(consumer.pause());
    if (this.#wish) return false;
    this.#retries.clear();
    this.#failures = 0;
    this.publication.want(this, undefined);
    if (consumer) this.#lingering ??= setTimeout(() => this.#dropConsumer(), this.#options.linger ?? LINGER);
    return true;
  }

  /** @returns true where there is nothing to be had, or not yet */
  async #open({ layer }: Wish): Promise<boolean> {
    if (this.#retries.pending) return true;
    const opened = await this.#options.open(layer).catch((error: unknown) => {
      if (!isClosed(error)) this.#retries.later(this.#failures, () => void this.#work().catch(() => {}));
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
    consumer.observer.once('close', () => this.#gone(consumer));
    this.#options.onOpened(infoOf(consumer, this.publication));
    return false;
  }

  #dropConsumer(): void {
    clearTimeout(this.#lingering);
    this.#lingering = undefined;
    this.#consumer?.close();
  }

  #gone(consumer: Consumer): void {
    if (this.#consumer !== consumer) return;
    this.#consumer = undefined;
    this.#layer = -1;
    this.#lease?.[Symbol.dispose]();
    this.#lease = undefined;
    this.#options.onClosed(consumer.id);
  }
}

function infoOf(consumer: Consumer, { peerId, source }: Publication): ConsumerInfo {
  const { id: consumerId, producerId, kind } = consumer;
  return { consumerId, producerId, peerId, source, kind, rtpParameters: consumerParameters(consumer) };
}

/** @returns whether it worked; what fails has ended, and its end is told anyway */
function quietly(call: Promise<void>): Promise<boolean> {
  return call.then(
    () => true,
    () => false,
  );
}
