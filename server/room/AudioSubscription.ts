/** One audio stream as one peer receives it: a track, or an audio slot, which the server can pause at once. */
import type { Source } from '../../shared/media.ts';
import type { ConsumerInfo } from '../../shared/protocol.ts';
import { consumerParameters, type MediaConsumer } from '../media/ConsumerFactory.ts';

/** Where the audio comes from: a peer, or a slot. */
export interface AudioOrigin {
  readonly peerId?: string;
  readonly slot?: number;
  readonly source: Source;
}

export class AudioSubscription {
  readonly origin: AudioOrigin;
  readonly consumer: MediaConsumer;
  /** Resolves when the consumer has closed. */
  readonly closed: Promise<void>;
  #ready = false;
  #audible = true;

  /** @param lease what the consumer is made from; disposed of when the consumer closes */
  constructor(consumer: MediaConsumer, origin: AudioOrigin, lease?: Disposable) {
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

  /** The client has created its end of the consumer. */
  async ready(): Promise<void> {
    this.#ready = true;
    if (this.#audible) await this.consumer.resume().catch(() => {});
  }

  /**
   * Resumes or pauses it. The request is sent to the worker before this returns, so that no packet that is written to a
   * slot from now on can overtake it.
   */
  setAudible(audible: boolean): void {
    if (this.#audible === audible) return;
    this.#audible = audible;
    if (!this.#ready) return;
    // A request that fails has met the end of its consumer, of which the client is notified anyway.
    (audible ? this.consumer.resume() : this.consumer.pause()).catch(() => {});
  }

  close(): void {
    this.consumer.close();
  }
}
