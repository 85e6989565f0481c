/** The audio m-line of a player: the slot of its room, by one consumer for ever. */
import type { SlotSource } from '../../media/audio/SlotSource.ts';
import type { MediaConsumer } from '../../media/ConsumerFactory.ts';
import { isClosed } from '../../media/rethrowUnavailable.ts';
import type { ConsumerOpener } from '../../room/ConsumerOpener.ts';
import { Retries } from '../../room/Retries.ts';

export interface PlayedAudioOptions {
  /** Opens consumers with the MID of the m-line. */
  readonly opener: Pick<ConsumerOpener, 'openSlot' | 'slotProducers'>;
  readonly slots: SlotSource;
}

export class PlayedAudio {
  readonly #options: PlayedAudioOptions;
  readonly #retries = new Retries();
  #consumer: MediaConsumer | undefined;
  #opening = false;
  #audible = false;
  #closed = false;

  constructor(options: PlayedAudioOptions) {
    this.#options = options;
  }

  /**
   * Whether the player is to hear anything now: a broadcast may not be live. It is said again with each track that the player
   * may receive, so that what all retries have failed at is tried again then.
   */
  setAudible(audible: boolean): void {
    const changes = this.#audible !== audible;
    this.#audible = audible;
    if (!this.#consumer) {
      if (audible && !this.#retries.pending) void this.#open();
    } else if (changes) this.#apply(this.#consumer);
  }

  close(): void {
    this.#closed = true;
    this.#retries.close();
    this.#consumer?.close();
  }

  async #open(failures = 0): Promise<void> {
    if (this.#opening || this.#closed) return;
    this.#opening = true;
    const { opener, slots } = this.#options;
    try {
      const [producer] = await opener.slotProducers(slots);
      const consumer = producer && (await opener.openSlot(producer));
      if (this.#closed) consumer?.close();
      if (!consumer || consumer.closed) return;
      this.#consumer = consumer;
      this.#apply(consumer);
    } catch (error) {
      if (!isClosed(error)) this.#retries.later(failures, () => void this.#open(failures + 1));
    } finally {
      this.#opening = false;
    }
  }

  #apply(consumer: MediaConsumer): void {
    // A request that fails has met the end of the consumer.
    (this.#audible ? consumer.resume() : consumer.pause()).catch(() => {});
  }
}
