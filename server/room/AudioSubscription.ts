/** Owns one sound as one peer receives it: somebody's own, or an audio slot, which the server may hold back at once. */
import type { Consumer } from 'mediasoup/types';
import type { Source } from '../../shared/media.ts';
import type { ConsumerInfo } from '../../shared/protocol.ts';
import { consumerParameters } from '../media/ConsumerFactory.ts';
import type { Lease } from '../media/RoomRouters.ts';

/** Where a sound comes from: from a peer, or from a slot. */
export interface AudioOrigin {
  readonly peerId?: string;
  readonly slot?: number;
  readonly source: Source;
}

export class AudioSubscription {
  readonly origin: AudioOrigin;
  readonly consumer: Consumer;
  /** Resolves when its consumer has closed. */
  readonly closed: Promise<void>;
  #ready = false;
  #audible = true;

  /** @param lease what the consumer is made from; given back when it closes */
  constructor(consumer: Consumer, origin: AudioOrigin, lease?: Lease) {
    this.consumer = consumer;
    this.origin = origin;
    this.closed = new Promise((resolve) => consumer.observer.once('close', () => resolve()));
    if (lease) consumer.observer.once('close', () => lease[Symbol.dispose]());
  }

  get info(): ConsumerInfo {
    const { id: consumerId, producerId, kind } = this.consumer;
    return { consumerId, producerId, ...this.origin, kind, rtpParameters: consumerParameters(this.consumer) };
  }

  get isReady(): boolean {
    return this.#ready;
  }

  /** The client has made its end of the consumer. */
  async ready(): Promise<void> {
    this.#ready = true;
    if (this.#audible) await this.consumer.resume().catch(() => {});
  }

  /**
   * Lets it through or holds it back. The worker is told before this returns, so that no packet that is sent into a slot
   * from now on overtakes it.
   */
  setAudible(audible: boolean): void {
    if (this.#audible === audible) return;
    this.#audible = audible;
    if (!this.#ready) return;
    // One that fails has ended, and its end is told anyway.
    (audible ? this.consumer.resume() : this.consumer.pause()).catch(() => {});
  }

  close(): void {
    this.consumer.close();
  }
}
