/**
 * That one peer receives a set of audio slots: a consumer of each, of which those are audible that are for this peer.
 */
import { Lifetime } from '../common/Lifetime.ts';
import type { SlotSource } from '../media/audio/SlotSource.ts';
import type { ConsumableProducer } from '../media/ConsumerFactory.ts';
import { AudioSubscription } from './AudioSubscription.ts';
import type { ConsumerOpener } from './ConsumerOpener.ts';

export interface AudioSlotsSubscriptionOptions {
  readonly slots: SlotSource;
  /** Whom the slots are for: the one that it holds is not sent to it. */
  readonly peerId: string;
  readonly opener: Pick<ConsumerOpener, 'openSlot' | 'slotProducers'>;
  /** Called with each consumer as soon as it is there. */
  onOpened(subscription: AudioSubscription): void;
}

export class AudioSlotsSubscription {
  readonly slots: SlotSource;
  /**
   * Resolves when there are all consumers, or when it has been closed meanwhile.
   * Rejects with what keeps the worker from opening them; nothing is left open then.
   */
  readonly opened: Promise<void>;
  readonly #options: AudioSlotsSubscriptionOptions;
  readonly #lifetime = new Lifetime();
  readonly #subscriptions: AudioSubscription[] = [];

  constructor(options: AudioSlotsSubscriptionOptions) {
    this.#options = options;
    this.slots = options.slots;
    this.#lifetime.defer(() => {
      for (const subscription of this.#subscriptions) subscription.close();
    });
    this.#lifetime.defer(options.slots.onSlot(options.peerId, () => this.#updateAudible()));
    this.opened = this.#open();
  }

  get isClosed(): boolean {
    return this.#lifetime.closed;
  }

  /** Whether the client has created its ends of all consumers; those that have closed do not count. */
  get isReady(): boolean {
    return this.#subscriptions.every(({ isReady, consumer }) => isReady || consumer.closed);
  }

  /** Resolves when all consumers have closed that there are now. */
  async consumersClosed(): Promise<void> {
    await Promise.all(this.#subscriptions.map(({ closed }) => closed));
  }

  close(): void {
    this.#lifetime.end('closed');
  }

  async #open(): Promise<void> {
    const { opener, slots } = this.#options;
    try {
      const producers = await opener.slotProducers(slots);
      if (this.isClosed) return;
      const results = await Promise.allSettled(producers.map((producer, slot) => this.#openSlot(producer, slot)));
      const failure = results.find((result) => result.status === 'rejected');
      if (failure) throw failure.reason;
    } catch (error) {
      this.close();
      throw error;
    }
  }

  async #openSlot(producer: ConsumableProducer, slot: number): Promise<void> {
    const { opener, slots, peerId } = this.#options;
    const consumer = await opener.openSlot(producer);
    if (this.isClosed) consumer?.close();
    if (!consumer || consumer.closed) return;
    const subscription = new AudioSubscription(consumer, { slot, source: 'microphone' });
    subscription.setAudible(slots.isAudible(slot, peerId));
    this.#subscriptions.push(subscription);
    this.#options.onOpened(subscription);
  }

  #updateAudible(): void {
    const { slots, peerId } = this.#options;
    for (const subscription of this.#subscriptions) {
      const { slot } = subscription.origin;
      if (slot !== undefined) subscription.setAudible(slots.isAudible(slot, peerId));
    }
  }
}
